#include <algorithm>
#include <cmath>
#include <vector>

#include "support/layer_net.hpp"
#include <doctest/doctest.h>

#include <localis/core/error.hpp>
#include <localis/layer/dropout.hpp>

namespace lo = localis;
using input = lo::vector_input<8>;
using net = localis_test::layer_net<input, lo::dropout>;

namespace {

const std::vector<double> ones(8 * 500, 1.0);

std::size_t zeros(const std::vector<double>& y) {
  return static_cast<std::size_t>(std::count(y.begin(), y.end(), 0.0));
}

}  // namespace

TEST_CASE("dropout: a share `rate` becomes 0, the rest is scaled so that the mean stays") {
  net n(500);
  for (const double rate : {0.0, 0.2, 0.5, 0.9}) {
    n.model.layer<1>().rate = rate;
    const std::vector<double> y = n.forward(ones);
    CHECK(std::all_of(y.begin(), y.end(), [&](double v) { return v == 0 || std::abs(v * (1 - rate) - 1) < 1e-14; }));
    const double deviation = std::sqrt(rate * (1 - rate) * 4000);
    CHECK(std::abs(static_cast<double>(zeros(y)) - 4000 * rate) <= 4 * deviation);
  }
}

TEST_CASE("dropout: one mask for each step, the same on both sides of the boundary, and none in evaluation") {
  net n(500);
  const std::vector<double> first = n.forward(ones, {.step = 3});
  CHECK(n.forward(ones, {.step = 3}) == first);
  CHECK(n.forward(ones, {.boundary = 1, .step = 3}) == first);
  CHECK(n.forward(ones, {.step = 4}) != first);
  CHECK(n.predict(ones) == ones);
}

TEST_CASE("dropout: two layers draw different masks") {
  localis_test::layer_net<input, lo::dropout, lo::dropout> n(500);
  // Had both the same mask, half were 0; with two masks it is three quarters.
  const double share = static_cast<double>(zeros(n.forward(ones))) / 4000;
  CHECK(share == doctest::Approx(0.75).epsilon(0.04));
}

TEST_CASE("dropout: a rate out of range") {
  net n(1);
  n.model.layer<1>().rate = 1;
  CHECK_THROWS_WITH_AS(n.model.layer<1>().validate(), "dropout: rate: expected a number in [0, 1), found 1",
                       lo::config_error);
}
