#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <type_traits>

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
/// One pass over weights, gradient and state per step. Rates, momenta and decays are dimensionless and per step.
template <class Optimizer>
concept optimizer = std::is_trivially_copyable_v<Optimizer> &&
    requires(const Optimizer& o, std::array<double, Optimizer::template step<double>::state_arrays>& state) {
  { o.template prepare<double>(std::size_t{1})(1.0, 1.0, state, 1.0) } -> std::same_as<double>;
  o.validate();
};

}  // namespace localis::optimizer
