#pragma once

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/optimizer/optimizer.hpp>

namespace localis::optimizer {

/// Stochastic gradient descent with momentum, Nesterov's variant, and weight decay.
///
///   g <- g + decay w;   v <- momentum v + g;   w <- w - rate (nesterov ? g + momentum v : v)
///
/// Units:  all dimensionless. Weight decay applies to every parameter, biases and normalization included.
/// State: one array per parameter (use `plain` if there is no momentum).
/// Errors: config_error unless 0 <= momentum < 1 and weight_decay >= 0.
/// Source: as in PyTorch's torch.optim.SGD with dampening 0.
struct sgd {
  double momentum = 0.9;
  bool nesterov = false;
  double weight_decay = 0;

  template <class T>
  struct step {
    static constexpr std::size_t state_arrays = 1;
    T momentum;
    T weight_decay;
    T look_ahead;  ///< weight of g beside v in the step: Nesterov's look-ahead
    T follow;

    constexpr T operator()(T weight, T gradient, std::array<T, 1>& state, T rate) const {
      const T g = gradient + weight_decay * weight;
      state[0] = momentum * state[0] + g;
      return -rate * (look_ahead * g + follow * state[0]);
    }
  };
  template <class T>
  constexpr step<T> prepare(std::size_t) const {
    return {static_cast<T>(momentum), static_cast<T>(weight_decay), static_cast<T>(nesterov ? 1 : 0),
            static_cast<T>(nesterov ? momentum : 1)};
  }
  void validate() const {
    expect(is_finite(momentum) && momentum >= 0 && momentum < 1, "sgd: momentum", "a number in [0, 1)", momentum);
    expect(is_finite(weight_decay) && weight_decay >= 0, "sgd: weight_decay", "a finite number >= 0", weight_decay);
  }
  constexpr bool operator==(const sgd&) const = default;
};

static_assert(optimizer<sgd>);

}  // namespace localis::optimizer
