#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/unlabelled.hpp>
#include <localis/kernel/loss.hpp>
#include <localis/loss/loss.hpp>
#include <localis/math/largest.hpp>
#include <localis/model/check_batch.hpp>

namespace localis {

/// A number to be averaged over the samples of a data set, under a name. The function gets the outputs of one sample
/// that take part, and its label or row of targets (loss/loss.hpp); it runs on the host.
///
///   named_metric<float>{"top_5", metric::top_k<5>{}}
///   named_metric<float>{"error", [](std::span<const float> output, const loss::target<float>& wanted) {
///                         return std::abs(static_cast<double>(output[0] - wanted.values[0]));
///                       }}
template <class T>
struct named_metric {
  std::string name;
  std::function<double(std::span<const T> output, const loss::target<T>& wanted)> function;
};

}  // namespace localis

namespace localis::metric {

/// 1 if the label is among the K largest outputs, of which the first of equals come first, else 0: the mean is the
/// top-K accuracy. The label of a row of targets is the place of its largest value. 0 if an output is not finite. Cost:
/// O(outputs) per sample.
template <std::size_t K>
struct top_k {
  static_assert(K > 0, "localis: metric::top_k<K>: K must be at least 1");

  template <class T>
  double operator()(std::span<const T> output, const loss::target<T>& wanted) const {
    if (!loss::all_finite(output.data(), output.size())) return 0;
    const std::size_t label =
        wanted.values == nullptr ? wanted.label : math::place_of_largest(wanted.values, output.size());
    std::size_t larger = 0;
    for (std::size_t k = 0; k < output.size(); ++k) {
      if (output[k] > output[label] || (output[k] == output[label] && k < label)) ++larger;
    }
    return larger < K ? 1 : 0;
  }
};

}  // namespace localis::metric

namespace localis {

/// The loss and the number of correct predictions of one batch in evaluation.
struct batch_evaluation {
  double loss = 0;                ///< mean over the labelled samples; NaN if there are none, or an output is not finite
  std::size_t correct = 0;        ///< samples whose largest output is their label, and whose outputs are finite
  std::size_t labelled = 0;       ///< samples that are not data::unlabelled
  std::vector<double> metrics{};  ///< means over the labelled samples, in the order of the metrics
};

namespace detail {

/// Counts the samples whose largest output, among the first `classes`, is their label. Outputs are rows on the host.
template <class T>
std::size_t count_correct(std::span<const T> output, std::size_t outputs, std::size_t classes,
                          std::span<const std::uint32_t> labels) {
  std::size_t count = 0;
  for (std::size_t n = 0; n < (std::min)(output.size() / outputs, labels.size()); ++n) {
    const T* row = output.data() + n * outputs;
    const auto largest = static_cast<std::size_t>(std::max_element(row, row + classes) - row);
    if (largest == labels[n] && loss::all_finite(row, classes)) ++count;
  }
  return count;
}

/// Checks the names and the functions of metrics. Errors: config_error.
template <class T>
[[gnu::cold]] void check_metrics(const char* caller, std::span<const named_metric<T>> metrics) {
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    const named_metric<T>& own = metrics[i];
    const bool first = std::none_of(metrics.begin(), metrics.begin() + static_cast<std::ptrdiff_t>(i),
                                    [&](const named_metric<T>& other) { return other.name == own.name; });
    if (own.name.empty() || !own.function || !first) {
      throw config_error(text(caller, ": metric ", i, ": expected a function, and a name of its own, found ",
                              own.function ? text('"', own.name, first ? "\"" : "\" twice") : text("no function")));
    }
  }
}

/// Computes the loss, the number of correct predictions and metrics from outputs, which are rows on the host. `classes`
/// is step_options::classes.
template <class T, class Loss>
[[gnu::cold]] batch_evaluation evaluate_outputs(const Loss& function, std::span<const T> output, std::size_t outputs,
                                                std::span<const std::uint32_t> labels, std::span<const T> targets,
                                                std::size_t classes, std::span<const named_metric<T>> metrics = {}) {
  const std::size_t samples = output.size() / outputs;
  const std::size_t active_outputs = targets.empty() ? class_count(classes, outputs) : outputs;
  batch_evaluation result;
  result.metrics.resize(metrics.size());
  std::vector<T> gradient(outputs);
  for (std::size_t n = 0; n < samples; ++n) {
    if (!labels.empty() && labels[n] == data::unlabelled) continue;
    const T* row = output.data() + n * outputs;
    const loss::target<T> wanted{labels.empty() ? 0U : labels[n],
                                 targets.empty() ? nullptr : targets.data() + n * outputs};
    const auto found = static_cast<double>(function.sample(row, active_outputs, wanted, gradient.data(), T(1)));
    result.loss += loss::all_finite(row, active_outputs) ? found : std::numeric_limits<double>::quiet_NaN();
    for (std::size_t i = 0; i < metrics.size(); ++i) {
      result.metrics[i] += metrics[i].function(std::span<const T>(row, active_outputs), wanted);
    }
  }
  result.labelled = data::labelled_samples(labels, samples);
  result.loss = kernel::mean_loss(result.loss, result.labelled);
  for (double& mean : result.metrics) mean = kernel::mean_loss(mean, result.labelled);
  result.correct = count_correct(output, outputs, class_count(classes, outputs), labels);
  return result;
}

}  // namespace detail

}  // namespace localis
