#include <vector>

#include "support/bench.hpp"
#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/rule/hebb.hpp>

namespace lo = localis;
using lo::rule::hebb;
using localis_test::bench;
using localis_test::check_range;
using localis_test::data;
using localis_test::deviation;
using localis_test::infinity;
using localis_test::not_a_number;
using reference = lo::reference::backend<double>;

namespace {

using one_layer = bench<lo::vector_input<data::inputs>,
                        lo::dense<1, lo::no_bias, lo::rule::local<hebb, lo::rule::unguarded>>, reference>;

std::vector<double> scaled(std::vector<double> v, double by) {
  for (double& x : v) x *= by;
  return v;
}

}  // namespace

TEST_CASE("hebb: along the top eigenvector a step multiplies by 1 + eta (lambda - decay)") {
  const data d;
  for (const double decay : {0.0, 0.7}) {
    one_layer one(data::rows);
    one.layer().rule().decay = decay;
    one.set(d.top);
    const double eta = 0.1;
    double factor = 1;
    for (int i = 0; i < 10; ++i) {
      one.step(d.x, eta);
      factor *= 1 + eta * (d.lambda - decay);
      CHECK(deviation(one.weights(), scaled(d.top, factor)) < 1e-12);
    }
  }
}

TEST_CASE("hebb: parameters out of range are named") {
  check_range("hebb: decay", "a finite number >= 0", {-0.5, infinity, not_a_number}, {0, 3},
              [](double v) { return hebb{.decay = v}; });
}
