#pragma once

#include <array>
#include <cstddef>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/random.hpp>
#include <localis/kernel/softmax.hpp>

namespace localis {

/// The run-time part of softmax.
template <class Backend>
class softmax_layer : public stateless {
 public:
  using scalar = typename Backend::scalar;

  double sharpness = 1;  ///< in the inverse of the input's unit

  softmax_layer(Backend&, const operation&, random_stream) {}
  [[nodiscard]] std::array<parameter<scalar>, 0> parameters() const { return {}; }
  void validate() const {
    expect(is_finite(sharpness) && sharpness > 0, "softmax: sharpness", "a finite number > 0", sharpness);
  }
  void forward(Backend& backend, const operation& op, const operands<scalar>& arrays, mode,
               const step_values<scalar>&) {
    backend.for_rows(
        arrays.samples * op.in.positions(), op.in.channels,
        kernel::softmax<scalar>{arrays.input, arrays.output, op.in.channels, static_cast<scalar>(sharpness)});
  }
  void backward(Backend& backend, const operation& op, const operands<scalar>& arrays) {
    if (arrays.input_gradient == nullptr) return;
    backend.for_rows(arrays.samples * op.in.positions(), op.in.channels,
                     kernel::softmax_gradient<scalar>{arrays.output, arrays.output_gradient, arrays.input_gradient,
                                                      op.in.channels, static_cast<scalar>(sharpness)});
  }
};

/// Softmax over the channels of each position, so that the units compete.
///
///   y_c = exp(s x_c) / sum_k exp(s x_k),     dx_c = s y_c (dy_c - sum_k y_k dy_k)
///
///   x, y  positions x C; after a dense layer: one position, C units
///
/// Do not use it before loss::softmax_cross_entropy, which contains a softmax.
///
/// Units:  s = sharpness, the inverse of x's unit, a run-time value: model.layer<I>().sharpness.
/// Cost: C exponentials per position. It saves only its output.
/// Limits: stable for any finite s x. With one channel y = 1 and the gradient is 0; it also vanishes if one y is nearly
///         1.
/// Errors: config_error unless sharpness is finite and > 0.
/// Source: J. S. Bridle, NATO ASI Series F68 (1990) 227.
struct softmax {
  static constexpr operation describe(const shape& in) {
    operation op;
    op.name = "softmax";
    op.kind = operation_kind::activation;
    op.in = in;
    op.out = in;
    op.elementwise = true;
    op.saves = saved_values::output;
    return op;
  }
  template <class Backend>
  using state = softmax_layer<Backend>;
};

}  // namespace localis
