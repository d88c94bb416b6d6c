#include "support/bench.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/rule/anti_hebb.hpp>

namespace lo = localis;
using lo::rule::anti_hebb;
using localis_test::bench;
using localis_test::data;
using localis_test::norm;

TEST_CASE("anti_hebb: along the top eigenvector a step multiplies by 1 - eta lambda") {
  using layer = lo::dense<1, lo::no_bias, lo::rule::local<anti_hebb, lo::rule::unguarded>>;
  const data d;
  bench<lo::vector_input<data::inputs>, layer, lo::reference::backend<double>> one(data::rows);
  one.set(d.top);
  one.step(d.x, 0.1);
  CHECK(norm(one.weights()) == doctest::Approx(1 - 0.1 * d.lambda).epsilon(1e-12));
}
