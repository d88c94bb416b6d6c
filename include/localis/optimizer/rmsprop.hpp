#pragma once

#include <array>
#include <cmath>
#include <cstddef>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/optimizer/optimizer.hpp>

namespace localis::optimizer {

/// RMSprop: the gradient divided by a running root mean square, with momentum; weight decay is added to the gradient.
///
///   g <- g + decay w;   v <- alpha v + (1 - alpha) g^2;   m <- momentum m + g / (sqrt(v) + epsilon);   w <- w - rate m
///
/// Units:  all dimensionless, except epsilon, which has the unit of the gradient.
/// State:  two arrays per parameter.
/// Cost:   on a CPU, compilers vectorize the square root only with -fno-math-errno.
/// Errors: config_error unless 0 <= alpha < 1, 0 <= momentum < 1, epsilon > 0 and weight_decay >= 0.
/// Source: T. Tieleman, G. Hinton, lecture 6.5 of Neural Networks for Machine Learning (2012), as in PyTorch's
///         torch.optim.RMSprop that is not centered.
struct rmsprop {
  double alpha = 0.99;
  double momentum = 0;
  double epsilon = 1e-8;
  double weight_decay = 0;

  template <class T>
  struct step {
    static constexpr std::size_t state_arrays = 2;
    T alpha;
    T momentum;
    T epsilon;
    T weight_decay;

    constexpr T operator()(T weight, T gradient, std::array<T, 2>& state, T rate) const {
      const T g = gradient + weight_decay * weight;
      state[0] = alpha * state[0] + (T(1) - alpha) * g * g;
      state[1] = momentum * state[1] + g / (std::sqrt(state[0]) + epsilon);
      return -rate * state[1];
    }
  };
  template <class T>
  constexpr step<T> prepare(std::size_t) const {
    return {static_cast<T>(alpha), static_cast<T>(momentum), static_cast<T>(epsilon), static_cast<T>(weight_decay)};
  }
  void validate() const {
    expect(is_finite(alpha) && alpha >= 0 && alpha < 1, "rmsprop: alpha", "a number in [0, 1)", alpha);
    expect(is_finite(momentum) && momentum >= 0 && momentum < 1, "rmsprop: momentum", "a number in [0, 1)", momentum);
    expect(is_finite(epsilon) && epsilon > 0, "rmsprop: epsilon", "a finite number > 0", epsilon);
    expect(is_finite(weight_decay) && weight_decay >= 0, "rmsprop: weight_decay", "a finite number >= 0", weight_decay);
  }
  constexpr bool operator==(const rmsprop&) const = default;
};

static_assert(optimizer<rmsprop>);

}  // namespace localis::optimizer
