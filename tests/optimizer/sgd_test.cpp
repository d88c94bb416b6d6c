#include <cstddef>
#include <vector>

#include "support/optimizer_path.hpp"
#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/optimizer/sgd.hpp>

using localis::optimizer::sgd;
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

TEST_CASE("sgd: momentum, Nesterov and weight decay as torch.optim.SGD defines them") {
  for (const sgd& o :
       {sgd{}, sgd{.momentum = 0}, sgd{.momentum = 0.8, .weight_decay = 0.3}, sgd{.momentum = 0.8, .nesterov = true},
        sgd{.momentum = 0.6, .nesterov = true, .weight_decay = 0.1}}) {
    std::vector<row> expected;
    row w = start;
    row buffer{};
    for (int t = 1; t <= steps; ++t) {
      row g = gradient_at(w, t);
      for (std::size_t i = 0; i < row_size; ++i) {
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

TEST_CASE("sgd: values out of range are named") {
  check_range("sgd: momentum", "a number in [0, 1)", {1, -0.1, not_a_number}, {0, 0.99},
              [](double v) { return sgd{.momentum = v}; });
  check_range("sgd: weight_decay", "a finite number >= 0", {-1, infinity, not_a_number}, {0, 0.5},
              [](double v) { return sgd{.weight_decay = v}; });
}
