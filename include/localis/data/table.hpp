#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/unlabelled.hpp>
#include <localis/data/dataset.hpp>

namespace localis::data {

/// Arrays that own their numbers, such as those that were read from a file. Copies share the numbers.
class table : public arrays {
 public:
  /// Errors: those of arrays.
  table(shape extents, std::vector<float> features) : table(extents, numbers{std::move(features), {}, {}}) {}
  table(shape extents, std::vector<float> features, std::vector<std::uint32_t> labels, std::size_t classes)
      : table(extents, numbers{std::move(features), std::move(labels), {}}, classes) {}
  table(shape extents, std::vector<float> features, std::vector<float> targets, std::size_t target_length)
      : table(extents, numbers{std::move(features), {}, std::move(targets)}, target_length) {}

 private:
  struct numbers {
    std::vector<float> features;
    std::vector<std::uint32_t> labels;
    std::vector<float> targets;
  };
  using held = std::shared_ptr<const numbers>;

  template <class... Length>
  table(shape extents, numbers own, Length... length)
      : table(extents, std::make_shared<const numbers>(std::move(own)), length...) {}
  table(shape extents, held own) : arrays(extents, own->features), held_(std::move(own)) {}
  table(shape extents, held own, std::size_t length)
      : arrays(own->targets.empty() ? arrays(extents, own->features, std::span(own->labels), length)
                                    : arrays(extents, own->features, number_span(own->targets), length)),
        held_(std::move(own)) {}

  held held_;
};

/// Which columns of a file are labels or targets; all others are features, in their order. Columns count from 0.
struct table_columns {
  std::optional<std::size_t> label{};  ///< whole numbers less than `classes`, and -1 for a sample without a label
  std::size_t classes = 0;             ///< of the labels, at most 2^24
  std::vector<std::size_t> targets{};

  /// Errors: config_error for both labels and targets, for a column that is named twice, for labels without classes and
  /// classes without labels.
  void validate() const {
    if (label && !targets.empty())
      throw config_error(text("columns: expected a label or targets, found column ", *label, " and ", targets.size(),
                              " columns of targets"));
    for (auto column = targets.begin(); column != targets.end(); ++column)
      if (std::find(targets.begin(), column, *column) != column)
        throw config_error(text("columns: targets: expected each column once, found ", *column, " twice"));
    if (label) expect(classes > 0 && classes <= 1U << 24, "columns: classes", "1 to 2^24", classes);
    if (!label) expect(classes == 0, "columns: classes", "0 without a column of labels", classes);
  }
};

namespace detail {

/// The label that a number stands for: a class, or -1 for none; nothing for any other number.
[[nodiscard]] inline std::optional<std::uint32_t> label_of(double number, std::size_t classes) {
  if (number == -1) return unlabelled;
  if (!(number >= 0) || !(number < static_cast<double>(classes))) return std::nullopt;
  const auto label = static_cast<std::uint32_t>(number);
  if (static_cast<double>(label) != number) return std::nullopt;
  return label;
}

/// Splits rows of `width` numbers into features and labels or targets.
/// @param place  place(row) names a row, for messages
template <class Place>
[[nodiscard]] table split_columns(const std::string& name, std::vector<float> values, std::size_t width,
                                  const table_columns& columns, const Place& place) {
  std::vector<bool> taken(width, false);
  const auto take = [&](std::size_t column) {
    if (column >= width)
      throw data_error(text(name, ": expected a column ", column, ", found columns 0 to ", width - 1));
    taken[column] = true;
  };
  if (columns.label) take(*columns.label);
  for (const std::size_t column : columns.targets) take(column);
  const std::size_t rows = values.size() / width;
  const auto kept = static_cast<std::size_t>(std::count(taken.begin(), taken.end(), false));
  if (kept == 0) throw data_error(text(name, ": expected a column of features, found none besides labels and targets"));

  std::vector<std::uint32_t> labels;
  std::vector<float> targets;
  if (columns.label) labels.reserve(rows);
  targets.reserve(rows * columns.targets.size());
  std::size_t next = 0;  // features take the place of the values that were read
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t first = row * width;
    if (columns.label) {
      const auto label = label_of(static_cast<double>(values[first + *columns.label]), columns.classes);
      if (!label)
        throw data_error(text(name, ": ", place(row), ", column ", *columns.label, ": expected a class less than ",
                              columns.classes, ", or -1, found ", values[first + *columns.label]));
      labels.push_back(*label);
    }
    for (const std::size_t column : columns.targets) targets.push_back(values[first + column]);
    for (std::size_t column = 0; column < width; ++column)
      if (!taken[column]) values[next++] = values[first + column];
  }
  values.resize(next);
  const shape extents{1, 1, kept};
  if (columns.label) return table(extents, std::move(values), std::move(labels), columns.classes);
  if (!targets.empty()) return table(extents, std::move(values), std::move(targets), columns.targets.size());
  return table(extents, std::move(values));
}

}  // namespace detail

static_assert(dataset_with_targets<table> && !dataset_with_epochs<table>);

}  // namespace localis::data
