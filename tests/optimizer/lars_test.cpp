#include <cmath>
#include <cstddef>
#include <vector>

#include "support/array_steps.hpp"
#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/optimizer/lars.hpp>
#include <localis/train/gradient_descent.hpp>

using localis::optimizer::lars;
using localis_test::check_range;
using localis_test::infinity;
using localis_test::not_a_number;
using localis_test::array_steps::array_model;
using localis_test::array_steps::arrays;
using localis_test::array_steps::norm_of;

TEST_CASE("lars: each array has a rate of its own, by a plain loop; a group may be left out") {
  for (const bool weights_only : {false, true}) {
    const lars o{.momentum = 0.8, .trust = 0.02, .weight_decay = 0.1};
    array_model m;
    m.prepare({.batch = 4});
    localis::gradient_descent descent(m, o);
    if (weights_only) descent.group_parameters(localis::decay_weights_only);
    std::vector<std::vector<double>> velocity;
    for (int t = 0; t < 4; ++t) {
      const arrays before(m);
      descent.step(0.5);
      const arrays after(m);
      REQUIRE(before.weights.size() == 4);
      velocity.resize(4);
      for (std::size_t k = 0; k < 4; ++k) {
        const std::vector<double>& w = before.weights[k];
        const std::vector<double>& g = before.gradients[k];
        const bool plain = weights_only && k % 2 == 1;  // a bias
        const double decay = plain ? 0 : o.weight_decay;
        const double rate = plain || norm_of(w) == 0 ? 1 : o.trust * norm_of(w) / (norm_of(g) + decay * norm_of(w));
        velocity[k].resize(w.size());
        for (std::size_t i = 0; i < w.size(); ++i) {
          velocity[k][i] = o.momentum * velocity[k][i] + 0.5 * rate * (g[i] + decay * w[i]);
          CHECK(after.weights[k][i] == doctest::Approx(w[i] - velocity[k][i]).epsilon(1e-13));
        }
      }
    }
  }
}

TEST_CASE("lars: values out of range are named") {
  check_range("lars: momentum", "a number in [0, 1)", {1, -0.1, not_a_number}, {0, 0.99},
              [](double v) { return lars{.momentum = v}; });
  check_range("lars: trust", "a finite number > 0", {0, -1, infinity, not_a_number}, {1e-9, 1},
              [](double v) { return lars{.trust = v}; });
  check_range("lars: weight_decay", "a finite number >= 0", {-1, infinity, not_a_number}, {0, 0.5},
              [](double v) { return lars{.weight_decay = v}; });
}
