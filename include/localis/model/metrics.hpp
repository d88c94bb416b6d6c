#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <localis/core/unlabelled.hpp>
#include <localis/kernel/loss.hpp>
#include <localis/loss/loss.hpp>
#include <localis/model/check_batch.hpp>

namespace localis {

/// The loss and the number of correct predictions of one batch in evaluation.
struct batch_evaluation {
  double loss = 0;           ///< mean over the labelled samples; NaN if there are none, or an output is not finite
  std::size_t correct = 0;   ///< samples whose largest output is their label, and whose outputs are finite
  std::size_t labelled = 0;  ///< samples that are not data::unlabelled
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

/// Computes the loss and the number of correct predictions from outputs, which are rows on the host. `classes` is
/// step_options::classes.
template <class T, class Loss>
batch_evaluation evaluate_outputs(const Loss& function, std::span<const T> output, std::size_t outputs,
                                  std::span<const std::uint32_t> labels, std::span<const T> targets,
                                  std::size_t classes) {
  const std::size_t samples = output.size() / outputs;
  const std::size_t active_outputs = targets.empty() ? class_count(classes, outputs) : outputs;
  batch_evaluation result;
  std::vector<T> gradient(outputs);
  for (std::size_t n = 0; n < samples; ++n) {
    if (!labels.empty() && labels[n] == data::unlabelled) continue;
    const T* row = output.data() + n * outputs;
    const loss::target<T> wanted{labels.empty() ? 0U : labels[n],
                                 targets.empty() ? nullptr : targets.data() + n * outputs};
    const auto found = static_cast<double>(function.sample(row, active_outputs, wanted, gradient.data(), T(1)));
    result.loss += loss::all_finite(row, active_outputs) ? found : std::numeric_limits<double>::quiet_NaN();
  }
  result.labelled = data::labelled_samples(labels, samples);
  result.loss = kernel::mean_loss(result.loss, result.labelled);
  result.correct = count_correct(output, outputs, class_count(classes, outputs), labels);
  return result;
}

}  // namespace detail

}  // namespace localis
