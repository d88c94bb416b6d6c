#pragma once

#include <cstddef>
#include <span>

#include <localis/core/operation.hpp>

namespace localis {

/// The gradient of one trainable array between a backward pass and the step of the optimizer, in the backend's memory:
/// rows x columns values, which may be changed.
template <class Scalar>
struct gradient_array {
  const operation* op;
  parameter<Scalar> weights;
  std::span<Scalar> gradient;
};

/// The gradients of one step, as callbacks of trainer::on_gradients() receive them.
template <class Scalar>
struct gradients_event {
  std::size_t epoch;
  std::size_t step;  ///< number of the step in its epoch
  std::span<const gradient_array<Scalar>>
      arrays;  ///< of the stages that learn by gradient, in order; valid during the call
};

}  // namespace localis
