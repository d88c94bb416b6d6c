#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "support/optimizer_path.hpp"
#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/optimizer/rmsprop.hpp>

using localis::optimizer::rmsprop;
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

TEST_CASE("rmsprop: as torch.optim.RMSprop defines it") {
  for (const rmsprop& o : {rmsprop{}, rmsprop{.alpha = 0.8, .momentum = 0.7, .epsilon = 1e-3, .weight_decay = 0.2}}) {
    std::vector<row> expected;
    row w = start;
    row mean{};
    row buffer{};
    for (int t = 1; t <= steps; ++t) {
      row g = gradient_at(w, t);
      for (std::size_t i = 0; i < row_size; ++i) {
        g[i] += o.weight_decay * w[i];
        mean[i] = o.alpha * mean[i] + (1 - o.alpha) * g[i] * g[i];
        buffer[i] = o.momentum * buffer[i] + g[i] / (std::sqrt(mean[i]) + o.epsilon);
        w[i] -= rate_at(t) * buffer[i];
      }
      expected.push_back(w);
    }
    check_equal(path(o), expected);
  }
}

TEST_CASE("rmsprop: values out of range are named") {
  check_range("rmsprop: alpha", "a number in [0, 1)", {1, -0.1, not_a_number}, {0, 0.99},
              [](double v) { return rmsprop{.alpha = v}; });
  check_range("rmsprop: momentum", "a number in [0, 1)", {1, -0.1, not_a_number}, {0, 0.99},
              [](double v) { return rmsprop{.momentum = v}; });
  check_range("rmsprop: epsilon", "a finite number > 0", {0, -1, infinity, not_a_number}, {1e-9, 1},
              [](double v) { return rmsprop{.epsilon = v}; });
  check_range("rmsprop: weight_decay", "a finite number >= 0", {-1, infinity, not_a_number}, {0, 0.5},
              [](double v) { return rmsprop{.weight_decay = v}; });
}
