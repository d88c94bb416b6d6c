#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "support/by_formula.hpp"
#include "support/float_limits.hpp"
#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/layer/triangle.hpp>

namespace localis_test::by_formula {

namespace lo = localis;
namespace by_formula = localis_test::by_formula;
namespace limits = localis_test::limits;
using localis_test::alone;
using localis_test::check_range;
using localis_test::layer_net;

TEST_CASE("triangle: what is above the mean of the channels, to a power") {
  const auto above = [](const auto& x, std::size_t n, std::size_t row, std::size_t column, std::size_t c) {
    double mean = 0;
    for (std::size_t k = 0; k < channels; ++k) mean += x[index_of(n, row, column, k)] / channels;
    return std::max(0.0, x[index_of(n, row, column, c)] - mean);
  };
  check_values<lo::triangle>(above);
  layer_net<input, lo::triangle> net(samples);
  net.model.layer<1>().power = 2.5;
  const std::vector<double> x = features();
  const std::vector<double> y = net.forward(x);
  for (std::size_t c = 0; c < channels; ++c) {
    CHECK(y[index_of(1, 2, 3, c)] == doctest::Approx(std::pow(above(x, 1, 2, 3, c), 2.5)).epsilon(1e-12));
  }
}

TEST_CASE("triangle: no gradient where all channels are equal, and NaN stays NaN") {
  using one = alone<lo::triangle, limits::reference<double>>;
  const std::vector<double> dy{1, -2, 3};
  CHECK(one({1, 1, 3}, 1).run({0.1, 0.1, 0.1}, dy, one::place::of_input)[1] == std::vector<double>{0, 0, 0});
  CHECK(one({1, 1, 1}, 1).run({7}, {2}, one::place::of_input)[1] == std::vector<double>{0});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto broken = one({1, 1, 3}, 1).run({1, nan, 2}, {}, one::place::own);
  for (const double y : broken[0]) CHECK(std::isnan(y));
}

TEST_CASE("triangle: a flat map becomes exactly 0, in float at any level") { limits::check_flat<lo::triangle>(0); }

TEST_CASE("triangle: few digits are lost in float, far from 0 too") {
  for (const double offset : {0.0, 100.0}) {
    CAPTURE(offset);
    limits::check_losses<lo::triangle>(offset, 5e-6);
  }
}

TEST_CASE("triangle: it keeps as much as relu does") { limits::check_kept<lo::triangle>(false); }

TEST_CASE("triangle: power out of range") {
  layer_net<by_formula::input, lo::triangle> net(1);
  const auto make = [&](double v) -> const auto& {
    net.model.layer<1>().power = v;
    return net.model;
  };
  check_range("triangle: power", "a finite number > 0", {0, -1}, {0.5, 2}, make);
}

}  // namespace localis_test::by_formula
