#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "support/optimizer_path.hpp"
#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/optimizer/lion.hpp>

using localis::optimizer::lion;
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

TEST_CASE("lion: as its authors define it") {
  for (const lion& o : {lion{}, lion{.beta1 = 0.5, .beta2 = 0.8, .weight_decay = 0.4}}) {
    std::vector<row> expected;
    row w = start;
    row m{};
    for (int t = 1; t <= steps; ++t) {
      const row g = gradient_at(w, t);
      for (std::size_t i = 0; i < row_size; ++i) {
        const double mixed = o.beta1 * m[i] + (1 - o.beta1) * g[i];
        w[i] -= rate_at(t) * (std::copysign(1.0, mixed) + o.weight_decay * w[i]);
        m[i] = o.beta2 * m[i] + (1 - o.beta2) * g[i];
      }
      expected.push_back(w);
    }
    check_equal(path(o), expected);
  }
}

TEST_CASE("lion: a gradient of 0 makes no step, and one that is NaN shows") {
  std::array<double, 1> state{};
  CHECK(lion{}.prepare<double>(1)(3.0, 0.0, state, 0.1) == 0);
  CHECK(std::isnan(lion{}.prepare<double>(2)(3.0, not_a_number, state, 0.1)));
}

TEST_CASE("lion: values out of range are named") {
  check_range("lion: beta1", "a number in [0, 1)", {1, -0.1, not_a_number}, {0, 0.99},
              [](double v) { return lion{.beta1 = v}; });
  check_range("lion: beta2", "a number in [0, 1)", {1, -0.1, not_a_number}, {0, 0.99},
              [](double v) { return lion{.beta2 = v}; });
  check_range("lion: weight_decay", "a finite number >= 0", {-1, infinity, not_a_number}, {0, 0.5},
              [](double v) { return lion{.weight_decay = v}; });
}
