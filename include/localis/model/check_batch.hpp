#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/unlabelled.hpp>
#include <localis/data/batch.hpp>
#include <localis/loss/loss.hpp>
#include <localis/model/step_options.hpp>

/// The checks of a model before it accepts a batch. `caller` is the name of the called function, for messages.
namespace localis::detail {

/// The number of classes that count: that of the data or, if it is 0, the number of outputs.
constexpr std::size_t class_count(std::size_t classes, std::size_t outputs) { return classes == 0 ? outputs : classes; }

/// Checks the features of a batch, or its bytes. The part of one of several ranks may be empty.
template <class T>
void check_features(const char* caller, const shape& input, const data::batch_view<T>& batch,
                    bool may_be_empty = false) {
  const std::size_t values = batch.pixels.empty() ? batch.features.size() : batch.pixels.size();
  if ((batch.size == 0 && !may_be_empty) || values != batch.size * input.size()) {
    throw shape_error(text(caller, ": expected ", batch.size, " samples of ", input, " = ", batch.size * input.size(),
                           " values (at least one sample), found ", values));
  }
  if (!batch.pixels.empty() && batch.pixel_values.size() != 256 * input.channels) {
    throw shape_error(text(caller, ": pixel_values: expected 256 x ", input.channels, " channels, found ",
                           batch.pixel_values.size()));
  }
}

/// Checks that the prepared memory accepts a batch that arrives as bytes.
template <class T>
void check_pixels(const char* caller, const data::batch_view<T>& batch, const memory_request& request) {
  if (batch.pixels.empty() || request.pixels) return;
  throw config_error(
      text(caller,
           ": pixels: expected features, since the memory was prepared without memory_request::pixels, found bytes"));
}

inline void check_classes(const char* caller, std::size_t classes, std::size_t outputs) {
  if (classes <= outputs) return;
  throw config_error(text(caller, ": classes: expected at most the network's ", outputs, " outputs, found ", classes));
}

/// Checks the part of a batch that is differentiated before the boundary.
[[gnu::cold]] inline void check_part(const step_options& options, const memory_request& request) {
  const bool fits = options.part_samples > 0 ? options.part_samples <= request.part_samples : request.part_samples == 0;
  expect(fits, "model::forward: part_samples",
         (request.part_samples > 0 ? text("1 to ", request.part_samples, ", as prepared") : text("0, as prepared"))
             .c_str(),
         options.part_samples);
  expect(!options.prefix_only, "model::forward: part_samples", "0 with prefix_only, which has no gradient",
         options.part_samples);
}

/// Checks that the prepared memory is enough for a step.
inline void check_step(const step_options& options, const memory_request& request) {
  if (!request.training) {
    throw config_error("model::forward: expected memory prepared for training, found prepared for predictions only");
  }
  if (options.boundary < request.lowest_boundary || options.boundary > request.highest_boundary) {
    throw config_error(text("model::forward: boundary: expected ", request.lowest_boundary, " to ",
                            request.highest_boundary, ", as prepared, found ", options.boundary));
  }
  if (options.boundary > 0 && (options.part_samples > 0 || request.part_samples > 0)) check_part(options, request);
  expect(is_finite(options.local_rate) && options.local_rate >= 0, "model::forward: local_rate", "a finite number >= 0",
         options.local_rate);
  expect(is_finite(options.reward), "model::forward: reward", "a finite number", options.reward);
  expect(options.local_rate == 0 || request.local_learning, "model::forward: local_rate",
         "0, since the memory was prepared without local learning", options.local_rate);
  if (options.normalization == prefix_normalization::batch && request.normalization != prefix_normalization::batch) {
    throw config_error(
        "model::forward: normalization: expected running or frozen, as prepared (memory_request::normalization), "
        "found batch");
  }
  if (request.cache_bytes > 0 && options.boundary > 0 && options.normalization != prefix_normalization::frozen) {
    throw config_error(
        "model::forward: normalization: expected frozen, as prepared (memory_request::cache_bytes), found other "
        "statistics");
  }
}

/// The first values of a row, for a message.
template <class T>
[[nodiscard, gnu::cold]] std::string row_text(std::span<const T> row) {
  constexpr std::size_t limit = 8;
  std::string result;
  for (std::size_t k = 0; k < (std::min)(limit, row.size()); ++k) result += text(k == 0 ? "" : " ", row[k]);
  return row.size() > limit ? result + " ..." : result;
}

/// Whether a label is that of a class, or data::unlabelled.
constexpr bool is_label(std::uint32_t label, std::size_t classes) {
  return label < classes || label == data::unlabelled;
}

/// Checks a loss, and the labels and targets of a batch: their number, and whether the loss accepts them. `classes` is
/// step_options::classes; without `rows`, the values in the rows of targets are not looked at.
template <class Loss, class T>
void check_targets(const char* caller, const Loss& function, std::span<const std::uint32_t> labels,
                   std::span<const T> targets, std::size_t samples, std::size_t outputs, std::size_t classes,
                   bool rows = true) {
  static_assert(loss::optional_members_fit<Loss>,
                "localis: an optional member of your loss has another signature than expected, or its other half is "
                "missing. Expected both: static constexpr const char* takes; "
                "template <class T> constexpr bool takes_row(const T* values, std::size_t size) const; "
                "and of its own: void validate() const");
  loss::validate(function);
  if (labels.size() != samples && targets.empty()) {
    throw shape_error(text(caller, ": expected ", samples, " labels, found ", labels.size()));
  }
  if (!targets.empty() && targets.size() != samples * outputs) {
    throw shape_error(
        text(caller, ": expected ", samples, " rows of ", outputs, " targets, found ", targets.size(), " values"));
  }
  if constexpr (loss::has_takes<Loss>) {
    for (std::size_t n = 0; rows && n < targets.size() / outputs; ++n) {
      if (labels.size() == samples && labels[n] == data::unlabelled) continue;
      if (function.takes_row(targets.data() + n * outputs, outputs)) continue;
      throw data_error(text(caller, ": target row ", n, " of the batch: expected ", Loss::takes, ", found ",
                            row_text(targets.subspan(n * outputs, outputs)), "; another loss takes other targets"));
    }
  }
  for (const std::uint32_t label : labels) {
    if (!is_label(label, class_count(classes, outputs))) {
      throw data_error(
          text(caller, ": label: expected a class below ", class_count(classes, outputs), ", found ", label));
    }
  }
}

}  // namespace localis::detail
