#include <cstddef>
#include <vector>

#include "support/by_formula.hpp"
#include "support/float_limits.hpp"
#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/layer/layer_norm.hpp>

namespace localis_test::by_formula {

namespace lo = localis;
namespace by_formula = localis_test::by_formula;
namespace limits = localis_test::limits;
using localis_test::check_range;
using localis_test::layer_net;

TEST_CASE("layer_norm: over all values of a sample") {
  check_values<lo::layer_norm>([](const auto& x, std::size_t n, std::size_t row, std::size_t column, std::size_t c) {
    std::vector<std::size_t> all(height * width * channels);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = index_of(n, 0, 0, 0) + i;
    return normal(x, all, 1e-5).value(x[index_of(n, row, column, c)]);
  });
}

TEST_CASE("layer_norm: gamma and beta by channel, and they rest before the boundary") {
  layer_net<input, lo::layer_norm> net(samples);
  const std::vector<double> x = features();
  const std::vector<double> plain = net.forward(x);
  const auto p = net.model.layer<1>().parameters();
  REQUIRE(p[0].size() == channels);
  p[0].value[1] = 3;
  p[1].value[2] = -7;
  const std::vector<double> y = net.forward(x);
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double expected = (i % channels == 1 ? 3 : 1) * plain[i] + (i % channels == 2 ? -7 : 0);
    CHECK(y[i] == doctest::Approx(expected).epsilon(1e-12));
  }
}

TEST_CASE("layer_norm: a flat map becomes exactly 0, in float at any level") { limits::check_flat<lo::layer_norm>(0); }

TEST_CASE("layer_norm: few digits are lost in float, far from 0 too") {
  for (const double offset : {0.0, 100.0}) {
    CAPTURE(offset);
    limits::check_losses<lo::layer_norm>(offset, 5e-6);
  }
}

TEST_CASE("layer_norm: it keeps one map more than relu, its input") { limits::check_kept<lo::layer_norm>(true); }

TEST_CASE("layer_norm: epsilon out of range") {
  layer_net<by_formula::input, lo::layer_norm> net(1);
  const auto make = [&](double v) -> const auto& {
    net.model.layer<1>().epsilon = v;
    return net.model;
  };
  check_range("layer_norm: epsilon", "a finite number > 0", {0, -1}, {0.5, 2}, make);
}

}  // namespace localis_test::by_formula
