// Factors on a local step: one per sample, one per stage.

#include <cstddef>
#include <vector>

#include "support/bench.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/core/error.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/relu.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>

namespace lo = localis;
using localis_test::bench;
using localis_test::deviation;
using localis_test::normal;
using reference = lo::reference::backend<double>;

TEST_CASE("stage_gains: each stage's factor on its own step, beside the gain of all") {
  using oja = lo::rule::local<lo::rule::oja, lo::rule::unguarded>;
  using net = lo::network<lo::vector_input<5>, lo::dense<4, oja>, lo::relu, lo::dense<3, oja>, lo::dense<2>>;
  const auto run = [](const lo::step_options& how) {
    lo::model<net, reference> m{{.seed = 4}};
    m.prepare({.batch = 7});
    const std::vector<double> x = normal(7 * 5, 1);
    const auto first = m.layer<0>().parameters()[0];
    const auto second = m.layer<2>().parameters()[0];
    std::vector<std::vector<double>> change{{first.value, first.value + first.size()},
                                            {second.value, second.value + second.size()}};
    m.forward(x, 7, how);
    for (std::size_t i = 0; i < first.size(); ++i) change[0][i] = first.value[i] - change[0][i];
    for (std::size_t i = 0; i < second.size(); ++i) change[1][i] = second.value[i] - change[1][i];
    return change;
  };
  const auto scaled = [](std::vector<double> v, double by) {
    for (double& x : v) x *= by;
    return v;
  };
  const auto plain = run({.boundary = 2, .local_rate = 0.02});
  const std::vector<double> gains{0.5, 3, 7};
  // The first stage's step does not change what the second sees of this batch.
  const auto found = run({.boundary = 2, .local_rate = 0.02, .gain = 2, .stage_gains = gains});
  CHECK(deviation(found[0], scaled(plain[0], 1)) < 1e-13);
  CHECK(deviation(found[1], scaled(plain[1], 6)) < 1e-13);
  const std::vector<double> few{1, 2};
  CHECK_THROWS_WITH_AS(run({.boundary = 2, .local_rate = 0.02, .stage_gains = few}),
                       "model::forward: stage_gains: expected none, or 3, one for each stage, found 2",
                       lo::config_error);
}

TEST_CASE("modulator: wrong sizes are named") {
  bench<lo::image<5, 6, 2>, lo::conv2d<4, 3, lo::padding<1>, lo::rule::hebb>, reference> one(6);
  const std::vector<double> x = normal(6 * 60, 1);
  const std::vector<double> few(5, 1.0);
  CHECK_THROWS_WITH_AS(one.step(x, {.boundary = 1, .local_rate = 0.05, .modulator = few}),
                       "model::forward: modulator: expected none, or 6, one for each sample, found 5",
                       lo::config_error);
}
