#include <cmath>
#include <cstddef>
#include <vector>

#include "support/array_steps.hpp"
#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/optimizer/lamb.hpp>
#include <localis/train/gradient_descent.hpp>

using localis::optimizer::lamb;
using localis_test::check_range;
using localis_test::infinity;
using localis_test::not_a_number;
using localis_test::array_steps::array_model;
using localis_test::array_steps::arrays;
using localis_test::array_steps::norm_of;

TEST_CASE("lamb: Adam's direction with decay, as long as a fraction of each array, by a plain loop") {
  for (const bool weights_only : {false, true}) {
    const lamb o{.beta1 = 0.7, .beta2 = 0.9, .epsilon = 1e-3, .weight_decay = 0.2};
    array_model m;
    m.prepare({.batch = 4});
    localis::gradient_descent descent(m, o);
    if (weights_only) descent.group_parameters(localis::decay_weights_only);
    std::vector<std::vector<double>> first(4);
    std::vector<std::vector<double>> second(4);
    for (int t = 1; t <= 4; ++t) {
      const arrays before(m);
      descent.step(0.05);
      const arrays after(m);
      for (std::size_t k = 0; k < 4; ++k) {
        const std::vector<double>& w = before.weights[k];
        const std::vector<double>& g = before.gradients[k];
        const bool plain = weights_only && k % 2 == 1;  // a bias
        std::vector<double> d(w.size());
        first[k].resize(w.size());
        second[k].resize(w.size());
        for (std::size_t i = 0; i < w.size(); ++i) {
          first[k][i] = o.beta1 * first[k][i] + (1 - o.beta1) * g[i];
          second[k][i] = o.beta2 * second[k][i] + (1 - o.beta2) * g[i] * g[i];
          d[i] = first[k][i] / (1 - std::pow(o.beta1, t)) /
                     (std::sqrt(second[k][i] / (1 - std::pow(o.beta2, t))) + o.epsilon) +
                 (plain ? 0 : o.weight_decay * w[i]);
        }
        const double rate = plain || norm_of(w) == 0 ? 1 : norm_of(w) / norm_of(d);
        for (std::size_t i = 0; i < w.size(); ++i) {
          CHECK(after.weights[k][i] == doctest::Approx(w[i] - 0.05 * rate * d[i]).epsilon(1e-12));
        }
      }
    }
  }
}

TEST_CASE("lamb: values out of range are named") {
  check_range("lamb: beta1", "a number in [0, 1)", {1, -0.1, not_a_number}, {0, 0.99},
              [](double v) { return lamb{.beta1 = v}; });
  check_range("lamb: beta2", "a number in [0, 1)", {1, -0.1, not_a_number}, {0, 0.99},
              [](double v) { return lamb{.beta2 = v}; });
  check_range("lamb: epsilon", "a finite number > 0", {0, -1, infinity, not_a_number}, {1e-9, 1},
              [](double v) { return lamb{.epsilon = v}; });
  check_range("lamb: weight_decay", "a finite number >= 0", {-1, infinity, not_a_number}, {0, 0.5},
              [](double v) { return lamb{.weight_decay = v}; });
}
