#pragma once

#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>

#include <localis/core/constexpr_call.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/random.hpp>
#include <localis/kernel/elementwise.hpp>

namespace localis {

/// The concept of an activation function: a plain value with y = f(x), and with the slope f'(x) written in terms of y.
/// Kernels call both, so they must be constexpr (core/constexpr_call.hpp).
template <class Function>
concept activation_function = requires(const Function& f) {
  { f(1.0) } -> std::same_as<double>;
  { f.slope(1.0) } -> std::same_as<double>;
  { Function::name } -> std::convertible_to<const char*>;
};

/// An activation function whose slope is as cheap in terms of x, so that the layer before it can compute both in its
/// own passes.
template <class Function>
concept fusable_function = activation_function<Function> && requires(const Function& f) {
  { f.slope_at(1.0) } -> std::same_as<double>;
};

namespace detail {

LOCALIS_CONSTEXPR_CALL(check_value, "localis: activation function: operator()", Policy{}(T(0.5)));
LOCALIS_CONSTEXPR_CALL(check_slope, "localis: activation function: slope", Policy{}.slope(T(0.5)));
LOCALIS_CONSTEXPR_CALL(check_slope_at, "localis: activation function: slope_at", Policy{}.slope_at(T(0.5)));

}  // namespace detail

/// The run-time part of an activation layer; `function` holds its values.
template <class Backend, class Function>
class activation_layer : public stateless {
 public:
  using scalar = typename Backend::scalar;

  static_assert(detail::check_value<Function, scalar>() && detail::check_slope<Function, scalar>());

  Function function{};

  activation_layer(Backend&, const operation&, random_stream) {
    if constexpr (fusable_function<Function>) static_assert(detail::check_slope_at<Function, scalar>());
  }
  [[nodiscard]] std::array<parameter<scalar>, 0> parameters() const { return {}; }
  void validate() const {
    if constexpr (requires { function.validate(); }) {
      function.validate();
    } else {
      static_assert(
          !requires { &Function::validate; },
          "localis: validate() of your activation would never be called. Expected: void validate() const");
    }
  }
  void forward(Backend& backend, const operation& op, const operands<scalar>& arrays, mode,
               const step_values<scalar>&) {
    backend.for_rows(arrays.samples, op.in.size(),
                     kernel::activate<scalar, Function>{arrays.input, arrays.output, op.in.size(), function});
  }
  void backward(Backend& backend, const operation& op, const operands<scalar>& arrays) {
    if (arrays.input_gradient == nullptr) return;
    backend.for_rows(arrays.samples, op.in.size(),
                     kernel::activate_gradient<scalar, Function>{arrays.output, arrays.output_gradient,
                                                                 arrays.input_gradient, op.in.size(), function});
  }
};

/// An activation layer: y = f(x), element by element and in place.
///
/// Cost: forward one value of f per element, and backward one of its slope. It saves only its output.
/// Errors: those of validate() of the function, if it has one.
template <activation_function Function>
struct activation {
  static constexpr operation describe(const shape& in) {
    operation op;
    op.name = Function::name;
    op.kind = operation_kind::activation;
    op.in = in;
    op.out = in;
    op.elementwise = true;
    op.fusable_as = fusable_function<Function> ? fusion::activation : fusion::none;
    op.saves = saved_values::output;
    return op;
  }
  template <class Backend>
  using state = activation_layer<Backend, Function>;
};

}  // namespace localis
