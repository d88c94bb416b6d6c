#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "support/optimizer_path.hpp"
#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/optimizer/adamw.hpp>

using localis::optimizer::adamw;
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

TEST_CASE("adamw: as torch.optim.AdamW defines it") {
  for (const adamw& o : {adamw{}, adamw{.beta1 = 0.7, .beta2 = 0.9, .epsilon = 1e-3, .weight_decay = 0.3}}) {
    std::vector<row> expected;
    row w = start;
    row m{};
    row v{};
    for (int t = 1; t <= steps; ++t) {
      const row g = gradient_at(w, t);
      for (std::size_t i = 0; i < row_size; ++i) {
        w[i] *= 1 - rate_at(t) * o.weight_decay;
        m[i] = o.beta1 * m[i] + (1 - o.beta1) * g[i];
        v[i] = o.beta2 * v[i] + (1 - o.beta2) * g[i] * g[i];
        w[i] -= rate_at(t) * (m[i] / (1 - std::pow(o.beta1, t))) /
                (std::sqrt(v[i] / (1 - std::pow(o.beta2, t))) + o.epsilon);
      }
      expected.push_back(w);
    }
    check_equal(path(o), expected);
  }
}

TEST_CASE("adamw: values out of range are named") {
  check_range("adamw: beta1", "a number in [0, 1)", {1, -0.1, not_a_number}, {0, 0.99},
              [](double v) { return adamw{.beta1 = v}; });
  check_range("adamw: beta2", "a number in [0, 1)", {1, -0.1, not_a_number}, {0, 0.99},
              [](double v) { return adamw{.beta2 = v}; });
  check_range("adamw: epsilon", "a finite number > 0", {0, -1, infinity, not_a_number}, {1e-9, 1},
              [](double v) { return adamw{.epsilon = v}; });
  check_range("adamw: weight_decay", "a finite number >= 0", {-1, infinity, not_a_number}, {0, 0.5},
              [](double v) { return adamw{.weight_decay = v}; });
}
