#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "support/bench.hpp"
#include "support/seeing_rules.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>
#include <localis/rule/rule.hpp>

namespace lo = localis;
using reference = lo::reference::backend<double>;

TEST_CASE("rules: what a rule does not state is 0") {
  CHECK(lo::rule::forget(lo::rule::hebb{}, 3.0) == 0);
  CHECK(lo::rule::forget(lo::rule::oja{}, 3.0) == 3);
  CHECK(lo::rule::decay(lo::rule::oja{}) == 0);
  CHECK(lo::rule::decay(lo::rule::hebb{.decay = 0.5}) == 0.5);
  static_assert(!lo::rule::has_forget<lo::rule::hebb>);
  static_assert(!lo::rule::local_rule<lo::rule::gradient>);
}

TEST_CASE("rules: a rate of 0 freezes, the gain multiplies the rate") {
  using oja = lo::rule::local<lo::rule::oja, lo::rule::unguarded>;
  localis_test::bench<lo::vector_input<6>, lo::dense<3, oja>, reference> one(8);
  const std::vector<double> x = localis_test::normal(8 * 6, 3);
  const std::vector<double> start = one.copy();
  one.step(x, 0);
  CHECK(one.copy() == start);
  CHECK(one.model.read_update_statistics().change[0] == 0);
  one.step(x, 0.03, 0.5);
  const std::vector<double> halved = one.copy();
  one.set(start);
  one.step(x, 0.015);
  CHECK(localis_test::deviation(halved, one.copy()) < 1e-15);
  CHECK(halved != start);
}

TEST_CASE("rules: a bias takes no part and rests") {
  using oja = lo::rule::local<lo::rule::oja, lo::rule::unguarded>;
  localis_test::bench<lo::vector_input<6>, lo::dense<3, oja>, reference> one(8);
  localis_test::bench<lo::vector_input<6>, lo::dense<3, oja>, reference> shifted(8);
  const std::vector<double> x = localis_test::normal(8 * 6, 3);
  const auto bias = shifted.layer().parameters()[1];
  for (std::size_t o = 0; o < 3; ++o) bias.value[o] = 2;
  one.step(x, 0.05);
  shifted.step(x, 0.05);
  CHECK(one.copy() == shifted.copy());
  for (std::size_t o = 0; o < 3; ++o) CHECK(bias.value[o] == 2);
}

TEST_CASE(
    "rules: units begin with the initial states that the rule has when memory is prepared, until they have learned") {
  localis_test::bench<lo::vector_input<6>, lo::dense<3, localis_test::two_thresholds>, reference> one(8);
  CHECK(one.state("state") == std::vector<double>{1, 1, 1, 0.5, 0.5, 0.5});
  one.layer().rule().initial_state = {2, -1};
  one.model.prepare({.batch = 8});
  const std::vector<double> begun{2, 2, 2, -1, -1, -1};
  CHECK(one.state("state") == begun);
  const std::vector<double> x = localis_test::normal(8 * 6, 3);
  one.step(x, {.boundary = 1, .local_rate = 0.1, .apply_updates = false});
  CHECK(one.state("state") == begun);
  one.step(x, 0.1);
  const std::vector<double> moved = one.state("state");
  CHECK(moved != begun);
  one.model.prepare({.batch = 8});
  CHECK(one.state("state") == moved);
}

TEST_CASE("rules: states move at rates of their own") {
  localis_test::bench<lo::vector_input<6>, lo::dense<3, localis_test::two_thresholds>, reference> one(8);
  const std::vector<double> w = one.copy();
  const std::vector<double> x = localis_test::normal(8 * 6, 3);
  one.step(x, 0.01);
  const std::vector<double> states = one.state("state");
  for (std::size_t o = 0; o < 3; ++o) {
    double squares = 0;
    double doubles = 0;
    for (std::size_t p = 0; p < 8; ++p) {
      double u = 0;
      for (std::size_t i = 0; i < 6; ++i) u += w[o * 6 + i] * x[p * 6 + i];
      squares += u * u / 8;
      doubles += 2 * u / 8;
    }
    CHECK(states[o] == doctest::Approx(1 + 0.3 * (squares - 1)).epsilon(1e-14));
    CHECK(states[3 + o] == doctest::Approx(0.5 + 0.05 * (doubles - 0.5)).epsilon(1e-14));
  }
}

TEST_CASE("rules: a gate of single weights, with sampled rows, a normalized signal and a modulator") {
  using option = lo::rule::local<localis_test::bounded, lo::rule::sampled_rows, lo::rule::batch_normalized_signal>;
  localis_test::bench<lo::vector_input<6>, lo::dense<3, option>, reference> one(8);
  const std::vector<double> w = one.copy();
  const std::vector<double> x = localis_test::normal(8 * 6, 3);
  const std::vector<double> modulator{1, 0.5, -1, 2, 0, 1, 3, 0.25};
  one.step(x, {.boundary = 1, .local_rate = 0.1, .modulator = modulator});
  const localis_test::bounded rule;
  const auto updated = [&](std::size_t first) {
    std::vector<double> result = w;
    for (std::size_t o = 0; o < 3; ++o) {
      std::vector<double> u(8, 0.0);
      double mean = 0;
      double squares = 0;
      for (std::size_t p = 0; p < 8; ++p) {
        for (std::size_t i = 0; i < 6; ++i) u[p] += w[o * 6 + i] * x[p * 6 + i];
        mean += u[p] / 8;
      }
      for (const double value : u) squares += (value - mean) * (value - mean) / 8;
      for (std::size_t i = 0; i < 6; ++i) {
        double sum = 0;
        for (std::size_t p = first; p < 8; p += 2) {
          const double z = (u[p] - mean) / std::sqrt(squares + 1e-5);
          sum +=
              modulator[p] * rule.gate(z, lo::rule::unit<double, 1>{{0.3}, 0}, w[o * 6 + i]) * rule.pre(x[p * 6 + i]);
        }
        result[o * 6 + i] += 0.1 * (sum / 4 - 0.01 * w[o * 6 + i]);
      }
    }
    return result;
  };
  const std::vector<double> found = one.copy();
  CHECK(std::min(localis_test::deviation(found, updated(0)), localis_test::deviation(found, updated(1))) < 1e-14);
}
