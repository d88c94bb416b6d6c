#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <localis/core/workspace.hpp>
#include <localis/kernel/loss.hpp>
#include <localis/model/check_batch.hpp>

namespace localis::detail {

/// The number of values of the scratch array of the loss: two for each sample.
[[nodiscard]] constexpr std::size_t loss_parts(std::size_t samples) { return 2 * samples; }

/// The inputs and the results of the loss of a batch. All arrays are in the backend's memory.
template <class T>
struct batch_loss {
  std::size_t samples;
  std::size_t labelled;  ///< number of samples that are not data::unlabelled
  std::size_t outputs;
  std::size_t classes;          ///< number of classes of the data; 0: as many as outputs
  const T* output;              ///< samples x outputs
  const std::uint32_t* labels;  ///< one per sample, or null
  const T* targets;             ///< samples x outputs, or null
  T* gradient;                  ///< samples x outputs: gradient of the mean loss of the labelled samples
  std::byte* scratch;           ///< loss_parts(samples) doubles
  double* sums;                 ///< sum of the losses, and number of samples whose largest output is their label
};

/// Computes the losses, their sum and the gradient. If there are no targets, outputs beyond the classes of the data are
/// ignored.
template <class Backend, class Loss>
void compute_losses(Backend& backend, const Loss& function, const batch_loss<typename Backend::scalar>& batch) {
  using scalar = typename Backend::scalar;
  const std::size_t classes = class_count(batch.classes, batch.outputs);
  workspace scratch(batch.scratch);
  backend.reduce(
      batch.samples, batch.outputs,
      kernel::sample_losses<scalar, Loss>{
          function, batch.output, batch.outputs, batch.targets == nullptr ? classes : batch.outputs, batch.labels,
          batch.targets, batch.gradient,
          static_cast<scalar>(1 / static_cast<double>(std::max<std::size_t>(batch.labelled, 1))), classes, batch.sums},
      scratch.take<double>(loss_parts(batch.samples)));
}

}  // namespace localis::detail
