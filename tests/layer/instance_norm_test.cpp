#include <cstddef>
#include <vector>

#include "support/by_formula.hpp"
#include "support/float_limits.hpp"
#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/layer/instance_norm.hpp>

namespace localis_test::by_formula {

namespace lo = localis;
namespace by_formula = localis_test::by_formula;
namespace limits = localis_test::limits;
using localis_test::check_range;
using localis_test::layer_net;

TEST_CASE("instance_norm: over the positions of each sample and channel") {
  const auto expected = [](const auto& x, std::size_t n, std::size_t row, std::size_t column, std::size_t c) {
    std::vector<std::size_t> map;
    for (std::size_t p = 0; p < height * width; ++p) map.push_back(index_of(n, p / width, p % width, c));
    return normal(x, map, 1e-5).value(x[index_of(n, row, column, c)]);
  };
  check_values<lo::instance_norm>(expected);
  check_values<lo::affine_instance_norm>(expected);
  CHECK(layer_net<input, lo::instance_norm>(1).model.layer<1>().parameters()[0].size() == 0);
}

TEST_CASE("instance_norm: one position becomes 0") {
  layer_net<lo::vector_input<4>, lo::instance_norm> net(1);
  for (const double y : net.forward({3, -5, 0, 100})) CHECK(y == 0);
}

TEST_CASE("instance_norm: a flat map becomes exactly 0, in float at any level") {
  limits::check_flat<lo::instance_norm>(0);
  limits::check_flat<lo::affine_instance_norm>(0);
}

TEST_CASE("instance_norm: few digits are lost in float, far from 0 too") {
  for (const double offset : {0.0, 100.0}) {
    CAPTURE(offset);
    limits::check_losses<lo::instance_norm>(offset, 5e-6);
    limits::check_losses<lo::affine_instance_norm>(offset, 5e-6);
  }
}

TEST_CASE("instance_norm: it keeps one map more than relu, its input") { limits::check_kept<lo::instance_norm>(true); }

TEST_CASE("instance_norm: epsilon out of range") {
  layer_net<by_formula::input, lo::instance_norm> net(1);
  const auto make = [&](double v) -> const auto& {
    net.model.layer<1>().epsilon = v;
    return net.model;
  };
  check_range("instance_norm: epsilon", "a finite number > 0", {0, -1}, {0.5, 2}, make);
}

}  // namespace localis_test::by_formula
