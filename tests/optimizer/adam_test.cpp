#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "support/optimizer_path.hpp"
#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/optimizer/adam.hpp>

using localis::optimizer::adam;
using localis_test::check_equal;
using localis_test::check_range;
using localis_test::gradient_at;
using localis_test::infinity;
using localis_test::not_a_number;
using localis_test::path;
using localis_test::rate_at;
using localis_test::row;
using localis_test::row_size;
using localis_test::start;
using localis_test::steps;

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
      for (std::size_t i = 0; i < row_size; ++i) {
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

TEST_CASE("adam: values out of range are named") {
  check_range("adam: beta1", "a number in [0, 1)", {-0.1, 1, not_a_number}, {0, 0.99},
              [](double v) { return adam{.beta1 = v}; });
  check_range("adam: beta2", "a number in [0, 1)", {-0.1, 1, not_a_number}, {0, 0.99},
              [](double v) { return adam{.beta2 = v}; });
  check_range("adam: epsilon", "a finite number > 0", {0, -1, infinity, not_a_number}, {1e-12, 1},
              [](double v) { return adam{.epsilon = v}; });
  check_range("adam: weight_decay", "a finite number >= 0", {-1, infinity, not_a_number}, {0, 0.5},
              [](double v) { return adam{.weight_decay = v}; });
}
