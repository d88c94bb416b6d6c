#include <cstddef>
#include <vector>

#include "support/bench.hpp"
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
