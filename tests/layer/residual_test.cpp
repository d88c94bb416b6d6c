#include <vector>

#include "support/layer_net.hpp"
#include <doctest/doctest.h>

#include <localis/layer/pool.hpp>
#include <localis/layer/relu.hpp>
#include <localis/layer/residual.hpp>

namespace lo = localis;
using localis_test::layer_net;

// The convolutions within blocks are the identity too (see layer_net.hpp).
TEST_CASE("residual: main branch plus identity or projection, in every mode") {
  const std::vector<double> x{-1, 2, 3, -4};
  using input = lo::image<2, 2, 1>;
  using one = lo::conv2d<1, 1, lo::no_bias, lo::rule::hebb>;
  const auto check = [&](auto&& net, const std::vector<double>& expected) {
    CHECK(net.forward(x) == expected);
    CHECK(net.forward(x, {.boundary = 1}) == expected);
    CHECK(net.forward(x, {.boundary = 2}) == expected);
    CHECK(net.predict(x) == expected);
  };
  check(layer_net<input, lo::residual<one, lo::relu>>(1), {-1, 4, 6, -4});
  check(layer_net<input, lo::residual<lo::relu, one>>(1), {-1, 4, 6, -4});
  check(layer_net<input, lo::residual<one, lo::relu>, lo::relu>(1), {0, 4, 6, 0});
  check(layer_net<input, lo::residual<lo::shortcut<lo::max_pool2d<2>>, one, lo::relu, lo::max_pool2d<2>>>(1), {6});
  check(layer_net<input, lo::residual<lo::shortcut<lo::relu, one>, one>>(1), {-1, 4, 6, -4});
}
