#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <type_traits>

#include <localis/core/constexpr_call.hpp>
#include <localis/core/named.hpp>

namespace localis::optimizer {

/// An optimizer is a plain value with the arithmetic of one element:
///
///   template <class T> struct step {
///     static constexpr std::size_t state_arrays = ...;                    // each as large as the weights
///     constexpr T operator()(T weight, T gradient, std::array<T, state_arrays>& state,
///                            T rate) const;                                // what to add to the weight
///   };
///   template <class T> constexpr step<T> prepare(std::size_t t) const;    // t = 1, 2, ...: this parameter's t-th step
///   void validate() const;                                                // throws config_error
///
/// An optimizer whose step depends on a whole array, as LARS does, has two more members in its step. Gradient descent
/// first calls measure() for every element of the array, which may move the state; then array_rate() gets the Euclidean
/// norms of the weights and of the results, and its own result multiplies the rate that the call for each element gets:
///
///     constexpr T measure(T weight, T gradient, std::array<T, state_arrays>& state) const;
///     constexpr double array_rate(double weight_norm, double measured_norm) const;
///
/// A call that only reads the state may take it as const std::array<T, state_arrays>&.
///
/// A step makes one pass over weights, gradient and state. Rates, momenta and decays are dimensionless and per step.
/// The step runs in kernels and must be constexpr (core/constexpr_call.hpp); prepare() must be constexpr, too, so that
/// the step can be checked.
template <class Optimizer>
concept optimizer = std::is_trivially_copyable_v<Optimizer> &&
    requires(const Optimizer& o, std::array<double, Optimizer::template step<double>::state_arrays>& state) {
  { o.template prepare<double>(std::size_t{1})(1.0, 1.0, state, 1.0) } -> std::same_as<double>;
  o.validate();
};

/// An optimizer whose step depends on a whole array.
template <class Optimizer>
concept sees_arrays = optimizer<Optimizer> &&
    requires(const typename Optimizer::template step<double>& step,
             std::array<double, Optimizer::template step<double>::state_arrays>& state) {
  { step.measure(1.0, 1.0, state) } -> std::same_as<double>;
  { step.array_rate(1.0, 1.0) } -> std::same_as<double>;
};

/// An optimizer that keeps an average of each weight, in the state array `average_array` of its step.
template <class Optimizer>
concept keeps_average = optimizer<Optimizer> &&
    (Optimizer::template step<double>::average_array < Optimizer::template step<double>::state_arrays);

namespace detail {

struct member_names {
  int measure, array_rate;
};
template <class Step>
using absent = localis::detail::named_twice<Step, member_names>;

template <class Optimizer, class T>
using state_of = localis::detail::one_of<std::array<T, Optimizer::template step<T>::state_arrays>>;

LOCALIS_CONSTEXPR_CALL(check_prepare, "localis: optimizer: prepare", Policy{}.template prepare<T>(std::size_t{1}));
#if defined(__clang__)
LOCALIS_CONSTEXPR_CALL(check_step, "localis: optimizer: step's operator()",
                       typename Policy::template step<T>{}(T(0.5), T(0.5), *state_of<Policy, T>{}.value, T(0.5)));
LOCALIS_CONSTEXPR_CALL(check_measure, "localis: optimizer: step's measure",
                       typename Policy::template step<T>{}.measure(T(0.5), T(0.5), *state_of<Policy, T>{}.value));
LOCALIS_CONSTEXPR_CALL(check_array_rate, "localis: optimizer: step's array_rate",
                       typename Policy::template step<T>{}.array_rate(0.5, 0.5));

#else
LOCALIS_CONSTEXPR_CALL(check_step, "localis: optimizer: step's operator()",
                       Policy{}.template prepare<T>(std::size_t{1})(T(0.5), T(0.5), *state_of<Policy, T>{}.value,
                                                                    T(0.5)));
LOCALIS_CONSTEXPR_CALL(
    check_measure, "localis: optimizer: step's measure",
    Policy{}.template prepare<T>(std::size_t{1}).measure(T(0.5), T(0.5), *state_of<Policy, T>{}.value));
LOCALIS_CONSTEXPR_CALL(check_array_rate, "localis: optimizer: step's array_rate",
                       Policy{}.template prepare<T>(std::size_t{1}).array_rate(0.5, 0.5));

#endif

}  // namespace detail

/// Asserts that the functions of an optimizer that kernels call are constexpr. It tries the first step with 0.5 for
/// each number.
template <class Optimizer, class T>
constexpr bool check_calls() {
  static_assert(std::is_default_constructible_v<Optimizer>,
                "localis: an optimizer must be default constructible: its step is tried at compile time");
  static_assert(detail::check_prepare<Optimizer, T>());
  static_assert(detail::check_step<Optimizer, T>());
  using step = typename Optimizer::template step<T>;
  static_assert(
      sees_arrays<Optimizer> ||
          requires {
            &detail::absent<step>::measure;
            &detail::absent<step>::array_rate;
          },
      "localis: measure or array_rate of an optimizer's step would be skipped. Expected both: constexpr T measure(T "
      "weight, T gradient, std::array<T, state_arrays>& state) const; constexpr double array_rate(double weight_norm, "
      "double measured_norm) const");
  if constexpr (sees_arrays<Optimizer>) {
    static_assert(detail::check_measure<Optimizer, T>());
    static_assert(detail::check_array_rate<Optimizer, T>());
  }
  return true;
}

}  // namespace localis::optimizer
