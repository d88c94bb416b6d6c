#pragma once

#include <array>
#include <cmath>
#include <cstddef>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/optimizer/adam.hpp>
#include <localis/optimizer/optimizer.hpp>

namespace localis::optimizer {

/// Adam with decoupled weight decay: the decay is not part of the gradient, and so not divided by its size.
///
///   w <- w - rate weight_decay w, then Adam's step without decay (optimizer/adam.hpp)
///
/// Units:  all dimensionless, except epsilon, which has the unit of the gradient.
/// State:  two arrays per parameter.
/// Errors: config_error unless 0 <= beta < 1, epsilon > 0 and weight_decay >= 0.
/// Source: I. Loshchilov, F. Hutter, ICLR 2019 (arXiv 1711.05101); the decay is multiplied by the rate, as in PyTorch.
struct adamw {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 1e-2;

  template <class T>
  struct step {
    static constexpr std::size_t state_arrays = 2;
    adam::step<T> plain;
    T weight_decay;

    constexpr T operator()(T weight, T gradient, std::array<T, 2>& state, T rate) const {
      return plain(weight, gradient, state, rate) - rate * weight_decay * weight;
    }
  };
  template <class T>
  constexpr step<T> prepare(std::size_t t) const {
    return {adam{beta1, beta2, epsilon}.template prepare<T>(t), static_cast<T>(weight_decay)};
  }
  void validate() const {
    expect(is_finite(beta1) && beta1 >= 0 && beta1 < 1, "adamw: beta1", "a number in [0, 1)", beta1);
    expect(is_finite(beta2) && beta2 >= 0 && beta2 < 1, "adamw: beta2", "a number in [0, 1)", beta2);
    expect(is_finite(epsilon) && epsilon > 0, "adamw: epsilon", "a finite number > 0", epsilon);
    expect(is_finite(weight_decay) && weight_decay >= 0, "adamw: weight_decay", "a finite number >= 0", weight_decay);
  }
  constexpr bool operator==(const adamw&) const = default;
};

static_assert(optimizer<adamw>);

}  // namespace localis::optimizer
