#pragma once

#include <array>
#include <cstddef>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/random.hpp>
#include <localis/kernel/triangle.hpp>

namespace localis {

/// The run-time part of triangle.
template <class Backend>
class triangle_layer : public stateless {
 public:
  using scalar = typename Backend::scalar;

  double power = 1;  ///< dimensionless

  triangle_layer(Backend&, const operation&, random_stream) {}
  [[nodiscard]] std::array<parameter<scalar>, 0> parameters() const { return {}; }
  void validate() const { expect(is_finite(power) && power > 0, "triangle: power", "a finite number > 0", power); }
  void forward(Backend& backend, const operation& op, const operands<scalar>& arrays, mode,
               const step_values<scalar>&) {
    backend.for_rows(arrays.samples * op.in.positions(), op.in.channels,
                     kernel::triangle<scalar>{arrays.input, arrays.output, op.in.channels, static_cast<scalar>(power)});
  }
  void backward(Backend& backend, const operation& op, const operands<scalar>& arrays) {
    if (arrays.input_gradient == nullptr) return;
    backend.for_rows(arrays.samples * op.in.positions(), op.in.channels,
                     kernel::triangle_gradient<scalar>{arrays.output, arrays.output_gradient, arrays.input_gradient,
                                                       op.in.channels, static_cast<scalar>(power)});
  }
};

/// The triangle activation: the excess of a channel over the mean of all channels at its position.
///
///   y_c = max(0, x_c - m)^power,     m = (1/C) sum_k x_k
///
///   x, y  positions x C; after a dense layer: one position, C units
///
/// Units:  power dimensionless, a run-time value: model.layer<I>().power.
/// Cost: O(C) per position, and C powers if the power is not 1. It saves only its output.
/// Limits: y and the gradient are 0 if there is one channel or if all channels are equal. Otherwise about half of all
///         channels are 0. With a power below 1 the gradient is unbounded near y = 0.
/// Errors: config_error unless power is finite and > 0.
/// Source: A. Coates, H. Lee, A. Ng, AISTATS 2011 (there on distances, with the opposite sign); the power: Journe et
///         al., ICLR 2023. Ours: the gradient includes that of the mean.
struct triangle {
  static constexpr operation describe(const shape& in) {
    operation op;
    op.name = "triangle";
    op.kind = operation_kind::activation;
    op.in = in;
    op.out = in;
    op.elementwise = true;
    op.saves = saved_values::output;
    return op;
  }
  template <class Backend>
  using state = triangle_layer<Backend>;
};

}  // namespace localis
