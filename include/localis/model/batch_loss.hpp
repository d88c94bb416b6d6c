#pragma once

#include <cstddef>
#include <cstdint>

#include <localis/core/workspace.hpp>
#include <localis/kernel/loss.hpp>
#include <localis/model/check_batch.hpp>

namespace localis::detail {

/// The scratch arrays of the loss of a batch, with one element per sample, in the arena.
template <class T>
struct loss_scratch {
  T* losses;
  T* correct;

  loss_scratch(std::size_t samples, workspace& pieces)
      : losses(pieces.take<T>(samples)), correct(pieces.take<T>(samples)) {}
  [[nodiscard]] static std::size_t bytes(std::size_t samples) {
    workspace measured;
    (void)loss_scratch(samples, measured);
    return measured.used();
  }
};

/// The inputs and the results of the loss of a batch. All arrays are in the backend's memory.
template <class T>
struct batch_loss {
  std::size_t samples;
  std::size_t outputs;
  std::size_t classes;          ///< number of classes of the data; 0: as many as outputs
  const T* output;              ///< samples x outputs
  const std::uint32_t* labels;  ///< one per sample, or null
  const T* targets;             ///< samples x outputs, or null
  T* gradient;                  ///< samples x outputs: gradient of the mean loss
  std::byte* scratch;           ///< loss_scratch
  double* sums;                 ///< sum of the losses, and number of samples whose largest output is their label
};

/// Computes the losses, their sum and the gradient. If there are no targets, outputs beyond the classes of the data are
/// ignored.
template <class Backend, class Loss>
void compute_losses(Backend& backend, const Loss& function, const batch_loss<typename Backend::scalar>& batch) {
  using scalar = typename Backend::scalar;
  const std::size_t classes = class_count(batch.classes, batch.outputs);
  workspace scratch(batch.scratch);
  const loss_scratch<scalar> found(batch.samples, scratch);
  backend.for_rows(batch.samples, batch.outputs,
                   kernel::sample_losses<scalar, Loss>{function, batch.output, batch.outputs,
                                                       batch.targets == nullptr ? classes : batch.outputs, batch.labels,
                                                       batch.targets, batch.gradient,
                                                       static_cast<scalar>(1 / static_cast<double>(batch.samples)),
                                                       classes, found.losses, found.correct});
  backend.for_rows(1, 1, kernel::sum_losses<scalar>{found.losses, found.correct, batch.samples, batch.sums});
}

}  // namespace localis::detail
