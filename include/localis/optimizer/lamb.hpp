#pragma once

#include <array>
#include <cmath>
#include <cstddef>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/optimizer/adam.hpp>
#include <localis/optimizer/optimizer.hpp>

namespace localis::optimizer {

/// Layer-wise adaptive moments: the direction of Adam with decoupled weight decay, which changes each array of weights
/// by a fraction of its norm.
///
///   d = Adam's direction of w and g (optimizer/adam.hpp) + decay w;   w <- w - rate (|w| / |d|) d
///
///   |w|, |d|  Euclidean norms over one array; the quotient is 1 if one of them is 0
///
/// Biases and normalizations usually take no part in this (parameter_group::array_rate, parameter_group::decay).
/// Units:  all dimensionless, except epsilon, which has the unit of the gradient.
/// Cost:   one more pass over weights, gradients and state. State: two arrays per parameter.
/// Errors: config_error unless 0 <= beta < 1, epsilon > 0 and weight_decay >= 0.
/// Source: Y. You et al., ICLR 2020 (arXiv 1904.00962), without a bound on |w|.
struct lamb {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-6;
  double weight_decay = 1e-2;

  template <class T>
  struct step {
    static constexpr std::size_t state_arrays = 2;
    adam::step<T> plain;
    T weight_decay;

    /// Moves the moments, and returns d.
    constexpr T measure(T weight, T gradient, std::array<T, 2>& state) const {
      return weight_decay * weight - plain(weight, gradient, state, T(1));
    }
    constexpr double array_rate(double weight_norm, double direction_norm) const {
      return weight_norm == 0 || direction_norm == 0 ? 1 : weight_norm / direction_norm;
    }
    /// The moments have been moved.
    constexpr T operator()(T weight, T, const std::array<T, 2>& state, T rate) const {
      return plain.direction(state, rate) - rate * weight_decay * weight;
    }
  };
  template <class T>
  constexpr step<T> prepare(std::size_t t) const {
    return {adam{beta1, beta2, epsilon}.template prepare<T>(t), static_cast<T>(weight_decay)};
  }
  void validate() const {
    expect(is_finite(beta1) && beta1 >= 0 && beta1 < 1, "lamb: beta1", "a number in [0, 1)", beta1);
    expect(is_finite(beta2) && beta2 >= 0 && beta2 < 1, "lamb: beta2", "a number in [0, 1)", beta2);
    expect(is_finite(epsilon) && epsilon > 0, "lamb: epsilon", "a finite number > 0", epsilon);
    expect(is_finite(weight_decay) && weight_decay >= 0, "lamb: weight_decay", "a finite number >= 0", weight_decay);
  }
  constexpr bool operator==(const lamb&) const = default;
};

static_assert(optimizer<lamb> && sees_arrays<lamb>);

}  // namespace localis::optimizer
