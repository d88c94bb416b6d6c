#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/optimizer/optimizer.hpp>

namespace localis::optimizer {

/// Adam, with bias correction; weight decay is added to the gradient (not decoupled).
///
///   m <- b1 m + (1 - b1) g;   v <- b2 v + (1 - b2) g^2
///   w <- w - rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)
///
/// Units:  all dimensionless, except epsilon, which has the unit of the gradient.
/// State:  two arrays per parameter.
/// Cost:   on a CPU, compilers vectorize the square root only with -fno-math-errno.
/// Errors: config_error unless 0 <= beta < 1, epsilon > 0 and weight_decay >= 0.
/// Source: D. P. Kingma, J. Ba, ICLR 2015 (arXiv 1412.6980).
struct adam {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;

  template <class T>
  struct step {
    static constexpr std::size_t state_arrays = 2;
    T beta1;
    T beta2;
    T first_correction;   ///< 1 / (1 - b1^t)
    T second_correction;  ///< 1 / (1 - b2^t)
    T epsilon;
    T weight_decay;

    constexpr T operator()(T weight, T gradient, std::array<T, 2>& state, T rate) const {
      const T g = gradient + weight_decay * weight;
      state[0] = beta1 * state[0] + (T(1) - beta1) * g;
      state[1] = beta2 * state[1] + (T(1) - beta2) * g * g;
      return direction(state, rate);
    }
    /// The step that follows from the moments.
    [[nodiscard]] constexpr T direction(const std::array<T, 2>& state, T rate) const {
      return -rate * first_correction * state[0] / (std::sqrt(second_correction * state[1]) + epsilon);
    }
  };
  template <class T>
  constexpr step<T> prepare(std::size_t t) const {
    // Corrections for the means that the step computes, with the betas rounded to T: 1 - beta2 in float is off by
    // 1.3e-5. No beta rounds to 1.
    constexpr T below_one = T(1) - std::numeric_limits<T>::epsilon() / 2;
    const T b1 = (std::min)(static_cast<T>(beta1), below_one);
    const T b2 = (std::min)(static_cast<T>(beta2), below_one);
    const auto correction = [t](T beta) {
      return static_cast<T>(1 / (1 - std::pow(static_cast<double>(beta), static_cast<double>(t))));
    };
    return {b1, b2, correction(b1), correction(b2), static_cast<T>(epsilon), static_cast<T>(weight_decay)};
  }
  void validate() const {
    expect(is_finite(beta1) && beta1 >= 0 && beta1 < 1, "adam: beta1", "a number in [0, 1)", beta1);
    expect(is_finite(beta2) && beta2 >= 0 && beta2 < 1, "adam: beta2", "a number in [0, 1)", beta2);
    expect(is_finite(epsilon) && epsilon > 0, "adam: epsilon", "a finite number > 0", epsilon);
    expect(is_finite(weight_decay) && weight_decay >= 0, "adam: weight_decay", "a finite number >= 0", weight_decay);
  }
  constexpr bool operator==(const adam&) const = default;
};

static_assert(optimizer<adam>);

}  // namespace localis::optimizer
