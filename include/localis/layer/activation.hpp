#pragma once

#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <type_traits>

#include <localis/core/constexpr_call.hpp>
#include <localis/core/named.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/random.hpp>
#include <localis/core/shape.hpp>
#include <localis/kernel/elementwise.hpp>
#include <localis/math/activation.hpp>

namespace localis {

namespace detail {

struct slope_names {
  int slope, slope_at;
};
/// `&without_slope<F>::slope` compiles if F has no member of that name.
template <class Function>
using without_slope = named_twice<Function, slope_names>;

}  // namespace detail

/// The concept of an activation function: a plain value with y = f(x), and with the slope f'(x) in terms of y,
/// slope(y), of x, slope_at(x), or both (math/activation.hpp). Kernels call them, so they must be constexpr
/// (core/constexpr_call.hpp).
template <class Function>
concept activation_function = requires(const Function& f) {
  { f(1.0) } -> std::same_as<double>;
  { f(1.0F) } -> std::same_as<float>;
  { Function::name } -> std::convertible_to<const char*>;
}
&&(slope_of_output<Function> || requires { &detail::without_slope<Function>::slope; }) &&
    (slope_of_input<Function> || requires { &detail::without_slope<Function>::slope_at; }) &&
    (slope_of_output<Function> || slope_of_input<Function>);

namespace detail {

/// Explains at compile time, in one message, what keeps Function from being an activation function. The value is always
/// true: the message is the compile error.
template <class Function>
constexpr bool check_activation() {
  static_assert(activation_function<Function>,
                "localis::activation: a function of yours lacks its name, its value or its slope, or has one of them "
                "with another signature than expected. Expected: static constexpr const char* name; template <class T> "
                "constexpr T operator()(T x) const; and template <class T> constexpr T slope(T y) const, in terms of "
                "the output, constexpr T slope_at(T x) const, in terms of the input, or both");
  return true;
}

LOCALIS_CONSTEXPR_CALL(check_value, "localis: activation function: operator()", Policy{}(T(0.5)));
LOCALIS_CONSTEXPR_CALL(check_slope, "localis: activation function: slope", Policy{}.slope(T(0.5)));
LOCALIS_CONSTEXPR_CALL(check_slope_at, "localis: activation function: slope_at", Policy{}.slope_at(T(0.5)));

}  // namespace detail

/// The run-time part of an activation layer; `function` holds its values.
template <class Backend, class Function>
class activation_layer : public stateless {
 public:
  using scalar = typename Backend::scalar;

  static_assert(detail::check_value<Function, scalar>());

  Function function{};

  activation_layer(Backend&, const operation&, random_stream) {
    if constexpr (slope_of_output<Function>) static_assert(detail::check_slope<Function, scalar>());
    if constexpr (slope_of_input<Function>) static_assert(detail::check_slope_at<Function, scalar>());
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
    const scalar* known = op.saves_output() ? arrays.output : arrays.input;
    backend.for_rows(arrays.samples, op.in.size(),
                     kernel::activate_gradient<scalar, Function>{known, arrays.output_gradient, arrays.input_gradient,
                                                                 op.in.size(), function});
  }
};

/// An activation layer: y = f(x), element by element and in place.
///
/// Cost: forward one value of f per element, and backward one of its slope. It saves only its output or, if the
/// function states its slope in terms of its input alone, only its input. Errors: those of validate() of the function,
/// if it has one.
template <class Function>
struct activation {
  static_assert(detail::check_activation<Function>());
  /// The function; another one in place of one that check_activation rejects, so that its message is the only one.
  using function = std::conditional_t<activation_function<Function>, Function, identity_function>;

  static constexpr operation describe(const shape& in) {
    operation op;
    op.name = function::name;
    op.kind = operation_kind::activation;
    op.in = in;
    op.out = in;
    op.elementwise = true;
    // A normalization reads its own input, from which it computes x; the sum of a residual block keeps only y.
    op.fusable_as = slope_of_output<function> && slope_of_input<function> ? fusion::activation : fusion::none;
    op.saves = slope_of_output<function> ? saved_values::output : saved_values::input;
    return op;
  }
  template <class Backend>
  using state = activation_layer<Backend, function>;
};

}  // namespace localis
