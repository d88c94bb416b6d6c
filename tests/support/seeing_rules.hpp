#pragma once

#include <array>
#include <cstddef>

#include <localis/rule/rule.hpp>

/// Rules written outside the library, which see more than the response: the input, the norm and the states of their
/// unit, and single weights.
namespace localis_test {

/// Hebb's rule on the squares of the inputs above a threshold, so that what stands for padding shows.
struct presynaptic_hebb {
  static constexpr bool gate_is_response = true;
  template <class T>
  constexpr T gate(T u) const {
    return u;
  }
  template <class T>
  constexpr T pre(T x) const {
    return x * x - T(0.3);
  }
};

/// The nearer the norm of a unit's weights is to 1, the less the unit learns.
struct normed {
  template <class T>
  constexpr T gate(T u, const localis::rule::unit<T>& own) const {
    return u * (T(1) - own.norm);
  }
  template <class T>
  constexpr T forget(T u) const {
    return T(0.1) * u;
  }
};

/// BCM with a slow and a fast threshold.
struct two_thresholds {
  static constexpr std::size_t states = 2;
  std::array<double, 2> state_rate{0.3, 0.05};
  std::array<double, 2> initial_state{1, 0.5};
  template <class T>
  constexpr T gate(T u, const localis::rule::unit<T, 2>& own) const {
    return u * (u - own.state[0]) - T(0.1) * own.state[1] * own.norm;
  }
  template <class T>
  constexpr std::array<T, 2> statistic(T u) const {
    return {u * u, T(2) * u};
  }
};

/// The nearer a weight is to 1, the less it grows, and the nearer to -1, the less it falls.
struct bounded {
  static constexpr std::size_t states = 1;
  double state_rate = 0.2;
  double initial_state = 0.3;
  double decay = 0.01;
  template <class T>
  constexpr T gate(T u, const localis::rule::unit<T, 1>& own, T w) const {
    const T z = u - own.state[0];
    return z > T(0) ? z * (T(1) - w) : z * (T(1) + w);
  }
  template <class T>
  constexpr std::array<T, 1> statistic(T u) const {
    return {u};
  }
  template <class T>
  constexpr T pre(T x) const {
    return x > T(-0.5) ? x : T(0.25);
  }
};

}  // namespace localis_test
