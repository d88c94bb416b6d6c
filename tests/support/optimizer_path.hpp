#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include <doctest/doctest.h>

/// The path of an optimizer, against a loop written from its definition.
namespace localis_test {

// A bowl that is steeper in one direction, and a rate that changes: the gradient of step t at w.
inline constexpr std::size_t row_size = 3;
using row = std::array<double, row_size>;

inline row gradient_at(const row& w, int t) { return {w[0] - 1, 10 * w[1] + std::sin(t), 0.1 * w[2] * w[2] - 2}; }
inline double rate_at(int t) { return 0.02 / (1 + 0.1 * t); }

inline constexpr row start{0.5, -1, 2};
inline constexpr int steps = 8;

/// The path of an optimizer of the library.
template <class Optimizer>
std::vector<row> path(const Optimizer& optimizer) {
  using step_type = typename Optimizer::template step<double>;
  std::array<std::array<double, step_type::state_arrays>, row_size> state{};
  std::vector<row> visited;
  row w = start;
  for (int t = 1; t <= steps; ++t) {
    const row g = gradient_at(w, t);
    const auto step = optimizer.template prepare<double>(static_cast<std::size_t>(t));
    for (std::size_t i = 0; i < row_size; ++i) w[i] += step(w[i], g[i], state[i], rate_at(t));
    visited.push_back(w);
  }
  return visited;
}

inline void check_equal(const std::vector<row>& found, const std::vector<row>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t t = 0; t < found.size(); ++t) {
    for (std::size_t i = 0; i < row_size; ++i) CHECK(found[t][i] == doctest::Approx(expected[t][i]).epsilon(1e-13));
  }
}

}  // namespace localis_test
