#pragma once

#include <array>
#include <cstddef>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/optimizer/optimizer.hpp>

namespace localis::optimizer {

/// Layer-wise adaptive rates: gradient descent with momentum whose rate is, for each array of weights, in proportion to
/// the norm of the array and inversely to that of its gradient.
///
///   r = trust |w| / (|g| + decay |w|), or 1 if |w| or |g| is 0;   v <- momentum v + rate r (g + decay w);   w <- w - v
///
///   |w|, |g|  Euclidean norms over one array: the weights of a layer, its biases, ...
///
/// Biases and normalizations usually take no part in this (parameter_group::array_rate, parameter_group::decay).
/// Units:  all dimensionless.
/// Cost:   one more pass over weights and gradients. State: one array per parameter.
/// Errors: config_error unless 0 <= momentum < 1, trust > 0 and weight_decay >= 0.
/// Source: Y. You, I. Gitman, B. Ginsburg, arXiv 1708.03888 (2017).
struct lars {
  double momentum = 0.9;
  double trust = 1e-3;
  double weight_decay = 0;

  template <class T>
  struct step {
    static constexpr std::size_t state_arrays = 1;
    T momentum;
    T weight_decay;
    double trust;

    constexpr T measure(T, T gradient, const std::array<T, 1>&) const { return gradient; }
    constexpr double array_rate(double weight_norm, double gradient_norm) const {
      if (weight_norm == 0 || gradient_norm == 0) return 1;
      return trust * weight_norm / (gradient_norm + static_cast<double>(weight_decay) * weight_norm);
    }
    constexpr T operator()(T weight, T gradient, std::array<T, 1>& state, T rate) const {
      state[0] = momentum * state[0] + rate * (gradient + weight_decay * weight);
      return -state[0];
    }
  };
  template <class T>
  constexpr step<T> prepare(std::size_t) const {
    return {static_cast<T>(momentum), static_cast<T>(weight_decay), trust};
  }
  void validate() const {
    expect(is_finite(momentum) && momentum >= 0 && momentum < 1, "lars: momentum", "a number in [0, 1)", momentum);
    expect(is_finite(trust) && trust > 0, "lars: trust", "a finite number > 0", trust);
    expect(is_finite(weight_decay) && weight_decay >= 0, "lars: weight_decay", "a finite number >= 0", weight_decay);
  }
  constexpr bool operator==(const lars&) const = default;
};

static_assert(optimizer<lars> && sees_arrays<lars>);

}  // namespace localis::optimizer
