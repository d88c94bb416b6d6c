#pragma once

#include <cstddef>
#include <cstdint>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/core/operation.hpp>

namespace localis {

/// The options of a trainer.
struct train_options {
  std::size_t epochs = 10;
  std::size_t batch = 64;  ///< samples per step; the last step of an epoch may have fewer
  /// The step size eta of the rules before the boundary; with relative_step, the fraction of the norm of the weights by
  /// which one update changes them. 0 freezes the stages before the boundary.
  double local_rate = 1e-3;
  prefix_normalization normalization = prefix_normalization::running;
  std::uint64_t seed = 1;  ///< seed of the order of samples
  /// Whether the rows of targets of every batch are checked against what the loss takes, on the host, or only those of
  /// the first batch of a fit(). Validation data are always checked.
  bool check_all_targets = false;
  /// Above 0: what the frozen stages before the boundary give for each sample is kept in at most so many bytes, and
  /// computed once instead of in every epoch. It needs a local rate of 0, frozen statistics (normalization), one rank,
  /// and training data that is the same in every epoch. Results are those without it, to rounding; a step is then no
  /// CUDA graph. Source: the cache of Y. Liu, S. Agarwal, S. Venkataraman, AutoFreeze, arXiv 2102.01386 (2021).
  std::size_t cache_bytes = 0;

  /// Checks all options. Errors: config_error for a value that is out of its range.
  void validate() const {
    expect(epochs > 0, "trainer: epochs", "at least 1", epochs);
    expect(batch > 0, "trainer: batch", "at least 1", batch);
    expect(is_finite(local_rate) && local_rate >= 0, "trainer: local_rate", "a finite number >= 0", local_rate);
  }
};

}  // namespace localis
