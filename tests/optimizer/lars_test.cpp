#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/tanh.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/optimizer/lars.hpp>
#include <localis/train/gradient_descent.hpp>

using localis::optimizer::lars;
using localis_test::check_range;
using localis_test::infinity;
using localis_test::not_a_number;

namespace {

using model =
    localis::model<localis::network<localis::vector_input<3>, localis::dense<4>, localis::tanh, localis::dense<2>>,
                   localis::reference::backend<double>>;

const std::vector<double> x{0.3, -1.2, 0.8, 1.1, 0.2, -0.4, -0.9, 0.5, 0.1, 0.7, -0.6, 1.4};
const std::vector<std::uint32_t> labels{0, 1, 1, 0};

double norm(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return std::sqrt(sum);
}

/// Weights and gradients of all arrays, one after the other.
struct arrays {
  std::vector<std::vector<double>> weights;
  std::vector<std::vector<double>> gradients;

  explicit arrays(model& m) {
    m.forward(x, 4, {});
    (void)m.loss(localis::loss::softmax_cross_entropy{}, labels);
    m.backward();
    m.for_each_gradient([&](const auto&, const auto& p, const double* g) {
      weights.emplace_back(p.value, p.value + p.size());
      gradients.emplace_back(g, g + p.size());
    });
  }
};

}  // namespace

TEST_CASE("lars: each array has a rate of its own, by a plain loop; a group may be left out") {
  for (const bool weights_only : {false, true}) {
    const lars o{.momentum = 0.8, .trust = 0.02, .weight_decay = 0.1};
    model m;
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
        const double rate = plain || norm(w) == 0 ? 1 : o.trust * norm(w) / (norm(g) + decay * norm(w));
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
