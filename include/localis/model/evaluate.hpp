#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <localis/core/communicator.hpp>
#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/unlabelled.hpp>
#include <localis/data/dataset.hpp>
#include <localis/data/loader.hpp>
#include <localis/kernel/loss.hpp>
#include <localis/loss/loss.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/confusion_matrix.hpp>
#include <localis/model/metrics.hpp>

// Functions that apply a trained model to a data set without a trainer:
//
//   io::load(model, "weights.safetensors");
//   const double accuracy = evaluate(model, test).accuracy;
//
// These functions run the model in evaluation mode: running statistics, no dropout, no learning. They read the data in
// order and without augmentation, in batches of the size that the model's memory is prepared for; if nothing is
// prepared, they prepare it for predictions in batches of up to 256 samples. A GPU gets bytes where the data gives them
// (data::dataset_with_pixels), unless its memory was prepared for floats.

namespace localis {

/// The result of evaluate().
struct score {
  double loss = 0;  ///< mean over the labelled samples; NaN if there are none, or an output is not finite
  /// Fraction of the labelled samples that are predicted right; NaN without any, or if the loss is NaN.
  double accuracy = 0;
  /// The mean of each metric over the labelled samples, by name.
  std::vector<std::pair<std::string, double>> metrics{};
};

namespace detail {

/// Checks that data fits the network. `caller` and `name` begin the message. Errors: shape_error and config_error.
template <class Model, class Data>
[[gnu::cold]] void check_data(const char* caller, const char* name, const Data& data) {
  const shape found{data.height(), data.width(), data.channels()};
  const shape wanted = Model::network_type::input;
  if (!(found == wanted)) {
    throw shape_error(text(caller, ": ", name, ": expected samples of ", wanted, ", found ", found));
  }
  if (data.size() == 0) throw config_error(text(caller, ": samples: expected at least 1, found 0"));
  if (data.classes() > Model::outputs) {
    throw config_error(text(caller, ": ", name, ": classes: expected at most the network's ", Model::outputs,
                            " outputs, found ", data.classes()));
  }
  const std::size_t targets = data::targets_of(data);
  if (targets != 0 && targets != Model::outputs) {
    throw shape_error(text(caller, ": ", name, ": target length: expected the network's ", Model::outputs,
                           " outputs, found ", targets));
  }
}

/// Checks that a loss is defined for the data. Errors: config_error for data with neither classes nor targets.
template <class Data>
[[gnu::cold]] void check_goals(const char* caller, const char* name, const Data& data) {
  if (data.classes() > 0 || data::targets_of(data) > 0) return;
  throw config_error(text(caller, ": ", name, ": expected classes or targets to learn from, found neither"));
}

/// The fraction of correct predictions, or NaN if it is not known.
[[nodiscard]] inline double accuracy(bool known, double correct, double samples) {
  return known ? correct / samples : std::numeric_limits<double>::quiet_NaN();
}

/// Calls body(batch) for each batch of the data, in order, or for a rank's part of each.
template <class Model, class Data, class Body>
[[gnu::cold]] void for_batches(Model& model, const Data& data, const data::batch_part& part, const Body& body) {
  constexpr std::size_t largest_unprepared = 256;
  if (part.ranks > 1 && model.summary().batch == 0) {  // or each would prepare for the size of its own part
    model.prepare({.batch = (std::min)(largest_unprepared, static_cast<std::size_t>(data.size())), .training = false});
  }
  const std::size_t prepared = model.summary().batch;  // 0 if nothing is prepared
  const std::size_t batch = prepared > 0 ? prepared : largest_unprepared;
  // Data without epochs is plain as it is, and may have a loader of this type already.
  using plain_data = std::conditional_t<data::dataset_with_epochs<Data>, data::plain<Data>, const Data&>;
  const plain_data unaugmented(data);
  data::loader<typename Model::scalar, std::remove_cvref_t<plain_data>> batches(
      unaugmented, (std::min)(batch * part.ranks, static_cast<std::size_t>(data.size())), 0, false, part);
  const bool pixels = prepared > 0 ? model.memory().pixels : !Model::backend_type::memory::host_accessible;
  for (std::size_t step = 0; step < batches.steps(); ++step) {
    const data::batch_view<typename Model::scalar> own = pixels ? batches.get_pixels(0, step) : batches.get(0, step);
    if (own.size > 0) body(own);
  }
}

/// Adds the sums of all ranks up.
[[gnu::cold]] inline void sum_scores(const exchange& ranks, score& own, std::size_t& labelled) {
  std::vector<double> sums{static_cast<double>(labelled), own.loss, own.accuracy};
  for (const auto& [name, sum] : own.metrics) sums.push_back(sum);
  ranks.sum(std::span<double>(sums));
  labelled = static_cast<std::size_t>(sums[0]);
  own.loss = sums[1];
  own.accuracy = sums[2];
  for (std::size_t i = 0; i < own.metrics.size(); ++i) own.metrics[i].second = sums[3 + i];
}

/// Appends the class with the largest output for each sample of a batch.
template <class Model>
void append_largest(const char* caller, Model& model, const data::batch_view<typename Model::scalar>& batch,
                    std::size_t classes, std::vector<std::uint32_t>& result) {
  const std::vector<typename Model::scalar> output = model.predict(batch);
  for (std::size_t n = 0; n < batch.size; ++n) {
    const auto row = output.begin() + static_cast<std::ptrdiff_t>(n * Model::outputs);
    if (!loss::all_finite(&*row, classes)) {
      throw error(text(caller, ": outputs for sample ", batch.indices[n],
                       " of the data: expected finite numbers, of which one is largest, found NaN or infinity"));
    }
    const auto largest = std::max_element(row, row + static_cast<std::ptrdiff_t>(classes));
    result.push_back(static_cast<std::uint32_t>(largest - row));
  }
}

}  // namespace detail

/// Returns the mean loss and the accuracy of a model on a data set, and the means of any other metrics:
///
///   evaluate(model, test, loss::softmax_cross_entropy{}, {{"top_5", metric::top_k<5>{}}}).metrics[0].second
///
/// Outputs beyond the classes of the data are ignored. After model::distribute(), each rank computes a part of each
/// batch, and all ranks must call this function.
/// The model runs without learning, dropout or augmentation, on running statistics; if its memory is not prepared, it
/// is prepared for predictions. Errors: shape_error and config_error for data that does not fit the network, or has
/// neither classes nor targets, and for metrics without a function or a name of their own.
template <class Model, data::dataset Data, class Loss = loss::softmax_cross_entropy>
[[nodiscard, gnu::cold]] score evaluate(Model& model, const Data& data, const Loss& loss = {},
                                        const std::vector<named_metric<typename Model::scalar>>& metrics = {}) {
  detail::check_metrics<typename Model::scalar>("evaluate", metrics);
  detail::check_goals("evaluate", "data", data);
  detail::check_data<Model>("evaluate", "data", data);
  score result;
  std::size_t labelled = 0;
  for (const auto& metric : metrics) result.metrics.emplace_back(metric.name, 0.0);
  const data::batch_part own = data::detail::part_of(model.ranks());
  detail::for_batches(model, data, own, [&](const data::batch_view<typename Model::scalar>& batch) {
    const auto part = model.evaluate(loss, batch, data.classes(), metrics);
    if (part.labelled == 0) return;
    labelled += part.labelled;
    result.loss += part.loss * static_cast<double>(part.labelled);
    result.accuracy += static_cast<double>(part.correct);
    for (std::size_t i = 0; i < metrics.size(); ++i) {
      result.metrics[i].second += part.metrics[i] * static_cast<double>(part.labelled);
    }
  });
  if (model.ranks() != nullptr) detail::sum_scores(*model.ranks(), result, labelled);
  result.loss = kernel::mean_loss(result.loss, labelled);
  for (auto& [name, mean] : result.metrics) mean = kernel::mean_loss(mean, labelled);
  const bool known = data.classes() > 0 && !is_nan(result.loss);
  result.accuracy = detail::accuracy(known, result.accuracy, static_cast<double>(labelled));
  return result;
}

/// Returns the class with the largest output for each sample of a data set.
/// The model runs without learning, dropout or augmentation, on running statistics; if its memory is not prepared, it
/// is prepared for predictions.
/// @param classes  the first outputs, among which the largest is found; 0: as many as the data has classes
/// Errors: config_error if neither the data nor `classes` says how many classes there are (predict_outputs()
/// gives the outputs), or for more classes than outputs; error for an output that is not finite.
template <class Model, data::dataset Data>
[[nodiscard, gnu::cold]] std::vector<std::uint32_t> predict(Model& model, const Data& data, std::size_t classes = 0) {
  if (classes == 0) classes = data.classes();
  expect(classes > 0, "predict: classes of the data, or as an argument",
         "at least 1 (predict_outputs gives the outputs)", classes);
  detail::check_data<Model>("predict", "data", data);
  if (classes > Model::outputs) {
    throw config_error(
        text("predict: classes: expected at most the network's ", Model::outputs, " outputs, found ", classes));
  }
  std::vector<std::uint32_t> result;
  result.reserve(data.size());
  detail::for_batches(model, data, {}, [&](const data::batch_view<typename Model::scalar>& batch) {
    detail::append_largest("predict", model, batch, classes, result);
  });
  return result;
}

/// Returns the row of outputs for each sample of a data set, with or without classes, as for a regression: element
/// [n][k] is output k of sample n, and the rows lie one behind the other.
/// The model runs without learning, dropout or augmentation, on running statistics; if its memory is not prepared, it
/// is prepared for predictions. Errors: shape_error and config_error for data that does not fit the network.
template <class Model, data::dataset Data>
[[nodiscard, gnu::cold]] std::vector<std::array<typename Model::scalar, Model::outputs>> predict_outputs(
    Model& model, const Data& data) {
  detail::check_data<Model>("predict_outputs", "data", data);
  std::vector<std::array<typename Model::scalar, Model::outputs>> result;
  result.reserve(data.size());
  detail::for_batches(model, data, {}, [&](const data::batch_view<typename Model::scalar>& batch) {
    const std::vector<typename Model::scalar> output = model.predict(batch);
    for (std::size_t n = 0; n < batch.size; ++n)
      std::copy_n(&output[n * Model::outputs], Model::outputs, result.emplace_back().data());
  });
  return result;
}

/// Counts how often samples of each class were predicted as each class, which is the class with the largest output.
/// Samples that are data::unlabelled are not counted. After model::distribute(), each rank computes a part of each
/// batch, and all ranks must call this function.
/// The model runs without learning, dropout or augmentation, on running statistics; if its memory is not prepared, it
/// is prepared for predictions. Errors: config_error for data without labels; error for an output that is not finite.
template <class Model, data::dataset Data>
[[nodiscard, gnu::cold]] confusion_matrix confusion(Model& model, const Data& data) {
  const std::size_t classes = data.classes();
  expect(classes > 0, "confusion: classes of the data", "at least 1", classes);
  detail::check_data<Model>("confusion", "data", data);
  confusion_matrix result(classes);
  std::vector<std::uint32_t> predicted;
  const data::batch_part own = data::detail::part_of(model.ranks());
  detail::for_batches(model, data, own, [&](const data::batch_view<typename Model::scalar>& batch) {
    predicted.clear();
    detail::append_largest("confusion", model, batch, classes, predicted);
    for (std::size_t n = 0; n < batch.size; ++n) {
      if (batch.labels[n] != data::unlabelled) result.add(batch.labels[n], predicted[n]);
    }
  });
  if (model.ranks() != nullptr) detail::sum_counts(*model.ranks(), result);
  return result;
}

}  // namespace localis
