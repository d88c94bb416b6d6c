#pragma once

#include <array>
#include <cstddef>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/optimizer/optimizer.hpp>

namespace localis::optimizer {

/// Lion: steps of one size for every weight, with the sign of a momentum; weight decay is decoupled.
///
///   w <- w - rate ( sign(b1 m + (1 - b1) g) + decay w );   m <- b2 m + (1 - b2) g
///
/// Units:  all dimensionless; the rate is the size of a step of a weight, so it is smaller than that of Adam.
/// State:  one array per parameter.
/// Errors: config_error unless 0 <= beta < 1 and weight_decay >= 0.
/// Source: X. Chen et al., NeurIPS 2023 (arXiv 2302.06675).
struct lion {
  double beta1 = 0.9;
  double beta2 = 0.99;
  double weight_decay = 0;

  template <class T>
  struct step {
    static constexpr std::size_t state_arrays = 1;
    T beta1;
    T beta2;
    T weight_decay;

    constexpr T operator()(T weight, T gradient, std::array<T, 1>& state, T rate) const {
      const T mean = beta1 * state[0] + (T(1) - beta1) * gradient;
      state[0] = beta2 * state[0] + (T(1) - beta2) * gradient;
      // The sign of 0 is 0, and that of NaN is NaN, which must not vanish.
      const T sign = mean > T(0) ? T(1) : mean < T(0) ? T(-1) : mean;
      return -rate * (sign + weight_decay * weight);
    }
  };
  template <class T>
  constexpr step<T> prepare(std::size_t) const {
    return {static_cast<T>(beta1), static_cast<T>(beta2), static_cast<T>(weight_decay)};
  }
  void validate() const {
    expect(is_finite(beta1) && beta1 >= 0 && beta1 < 1, "lion: beta1", "a number in [0, 1)", beta1);
    expect(is_finite(beta2) && beta2 >= 0 && beta2 < 1, "lion: beta2", "a number in [0, 1)", beta2);
    expect(is_finite(weight_decay) && weight_decay >= 0, "lion: weight_decay", "a finite number >= 0", weight_decay);
  }
  constexpr bool operator==(const lion&) const = default;
};

static_assert(optimizer<lion>);

}  // namespace localis::optimizer
