#pragma once

#include <cstddef>

#include <localis/core/error.hpp>
#include <localis/model/distributed_pass.hpp>

namespace localis {

/// How ranks train together (trainer::distribute()). By default they take the steps of one rank, to rounding. The other
/// values give that up to send less: between exchanges, each rank learns from its own samples, and at an exchange the
/// weights of all are averaged, each weighted by the samples that its rank has seen since the last one.
///
/// Units: prefix_every and suffix_every in steps of an epoch, which all end with an exchange.
struct distribute_options {
  std::size_t bucket_bytes = default_bucket_bytes;  ///< see model::distribute()
  /// In the stages before the boundary, ranks exchange weights, rule states and running statistics after so many steps,
  /// and before a stage leaves them. 1: the sums of every step, which is exact.
  std::size_t prefix_every = 1;
  /// In the stages from the boundary on, ranks exchange weights and the state of the optimizer after so many steps. 1:
  /// the gradients of every step, which is exact. Source: S. U. Stich, ICLR 2019; T. Lin et al., ICLR 2020.
  std::size_t suffix_every = 1;
  std::size_t suffix_from_epoch = 0;  ///< before this epoch, the stages from the boundary on are exact

  /// Errors: config_error for a value that is out of its range.
  void validate() const {
    expect(prefix_every > 0, "distribute: prefix_every", "at least 1", prefix_every);
    expect(suffix_every > 0, "distribute: suffix_every", "at least 1", suffix_every);
  }
};

}  // namespace localis
