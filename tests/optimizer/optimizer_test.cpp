#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <localis/core/error.hpp>
#include <localis/optimizer/adam.hpp>
#include <localis/optimizer/plain.hpp>
#include <localis/optimizer/sgd.hpp>

namespace lo = localis;
using lo::optimizer::adam;
using lo::optimizer::sgd;

namespace {

// A bowl that is steeper in one direction, and a rate that changes: the gradient of step t at w.
constexpr std::size_t size = 3;
using row = std::array<double, size>;

row gradient_at(const row& w, int t) { return {w[0] - 1, 10 * w[1] + std::sin(t), 0.1 * w[2] * w[2] - 2}; }
double rate_at(int t) { return 0.02 / (1 + 0.1 * t); }

constexpr row start{0.5, -1, 2};
constexpr int steps = 8;

/// The path of an optimizer of the library.
template <class Optimizer>
std::vector<row> path(const Optimizer& optimizer) {
  using step_type = typename Optimizer::template step<double>;
  std::array<std::array<double, step_type::state_arrays>, size> state{};
  std::vector<row> visited;
  row w = start;
  for (int t = 1; t <= steps; ++t) {
    const row g = gradient_at(w, t);
    const auto step = optimizer.template prepare<double>(static_cast<std::size_t>(t));
    for (std::size_t i = 0; i < size; ++i) w[i] += step(w[i], g[i], state[i], rate_at(t));
    visited.push_back(w);
  }
  return visited;
}

void check_equal(const std::vector<row>& found, const std::vector<row>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t t = 0; t < found.size(); ++t) {
    for (std::size_t i = 0; i < size; ++i) CHECK(found[t][i] == doctest::Approx(expected[t][i]).epsilon(1e-13));
  }
}

}  // namespace

TEST_CASE("adam in float: its bias corrections are those of the betas as float has them") {
  const adam o{};
  const auto b1 = static_cast<double>(static_cast<float>(o.beta1));
  const auto b2 = static_cast<double>(static_cast<float>(o.beta2));
  std::array<float, 2> state{};
  double first = 0;
  double second = 0;
  for (int t = 1; t <= 50; ++t) {
    const float g = static_cast<float>(1 + 0.5 * std::sin(t));
    first = b1 * first + (1 - b1) * static_cast<double>(g);
    second = b2 * second + (1 - b2) * static_cast<double>(g) * static_cast<double>(g);
    const double expected =
        -0.01 * (first / (1 - std::pow(b1, t))) / (std::sqrt(second / (1 - std::pow(b2, t))) + 1e-8);
    const float found = o.prepare<float>(static_cast<std::size_t>(t))(0.0F, g, state, 0.01F);
    CHECK(std::abs(static_cast<double>(found) / expected - 1) < 1e-6);
  }
  // 1 - 1e-9 is 1 in float: the step is a number all the same.
  std::array<float, 2> slow{};
  CHECK(adam{.beta2 = 1 - 1e-9}.prepare<float>(1)(0.0F, 2.0F, slow, 0.01F) == doctest::Approx(-0.01));
}

TEST_CASE("plain: w <- w - rate g") {
  std::vector<row> expected;
  row w = start;
  for (int t = 1; t <= steps; ++t) {
    const row g = gradient_at(w, t);
    for (std::size_t i = 0; i < size; ++i) w[i] -= rate_at(t) * g[i];
    expected.push_back(w);
  }
  check_equal(path(lo::optimizer::plain{}), expected);
}

TEST_CASE("sgd: momentum, Nesterov and weight decay as torch.optim.SGD defines them") {
  for (const sgd& o :
       {sgd{}, sgd{.momentum = 0}, sgd{.momentum = 0.8, .weight_decay = 0.3}, sgd{.momentum = 0.8, .nesterov = true},
        sgd{.momentum = 0.6, .nesterov = true, .weight_decay = 0.1}}) {
    std::vector<row> expected;
    row w = start;
    row buffer{};
    for (int t = 1; t <= steps; ++t) {
      row g = gradient_at(w, t);
      for (std::size_t i = 0; i < size; ++i) {
        g[i] += o.weight_decay * w[i];
        buffer[i] = t == 1 ? g[i] : o.momentum * buffer[i] + g[i];  // no dampening
        if (o.nesterov) {
          g[i] += o.momentum * buffer[i];
        } else {
          g[i] = buffer[i];
        }
        w[i] -= rate_at(t) * g[i];
      }
      expected.push_back(w);
    }
    check_equal(path(o), expected);
  }
}

TEST_CASE("adam: as torch.optim.Adam defines it, with its weight decay") {
  for (const adam& o : {adam{}, adam{.beta1 = 0.7, .beta2 = 0.9, .epsilon = 1e-3},
                        adam{.beta1 = 0, .beta2 = 0.99, .weight_decay = 0.2}}) {
    std::vector<row> expected;
    row w = start;
    row average{};
    row square{};
    for (int t = 1; t <= steps; ++t) {
      row g = gradient_at(w, t);
      const double first = 1 - std::pow(o.beta1, t);
      const double second = 1 - std::pow(o.beta2, t);
      for (std::size_t i = 0; i < size; ++i) {
        g[i] += o.weight_decay * w[i];
        average[i] += (g[i] - average[i]) * (1 - o.beta1);
        square[i] = square[i] * o.beta2 + (1 - o.beta2) * g[i] * g[i];
        w[i] -= rate_at(t) / first * average[i] / (std::sqrt(square[i]) / std::sqrt(second) + o.epsilon);
      }
      expected.push_back(w);
    }
    check_equal(path(o), expected);
  }
}

TEST_CASE("adam: the first step has the rate's size, whatever the gradient's") {
  for (const double g : {1e-3, -4.0, 2e5}) {
    std::array<double, 2> state{};
    CHECK(adam{}.prepare<double>(1)(0.7, g, state, 0.01) == doctest::Approx(g > 0 ? -0.01 : 0.01).epsilon(1e-4));
  }
}

TEST_CASE("optimizers: values out of range are named") {
  CHECK_THROWS_WITH_AS((sgd{.momentum = 1}.validate()), "sgd: momentum: expected a number in [0, 1), found 1",
                       lo::config_error);
  CHECK_THROWS_WITH_AS((sgd{.weight_decay = -1}.validate()),
                       "sgd: weight_decay: expected a finite number >= 0, found -1", lo::config_error);
  CHECK_THROWS_AS((sgd{.momentum = std::numeric_limits<double>::quiet_NaN()}.validate()), lo::config_error);
  CHECK_THROWS_WITH_AS((adam{.beta1 = -0.1}.validate()), "adam: beta1: expected a number in [0, 1), found -0.1",
                       lo::config_error);
  CHECK_THROWS_WITH_AS((adam{.beta2 = 1}.validate()), "adam: beta2: expected a number in [0, 1), found 1",
                       lo::config_error);
  CHECK_THROWS_WITH_AS((adam{.epsilon = 0}.validate()), "adam: epsilon: expected a finite number > 0, found 0",
                       lo::config_error);
  CHECK_THROWS_AS((adam{.weight_decay = std::numeric_limits<double>::infinity()}.validate()), lo::config_error);
}
