#include <cmath>
#include <vector>

#include "support/layer_net.hpp"
#include <doctest/doctest.h>

#include <localis/layer/leaky_relu.hpp>
#include <localis/layer/relu.hpp>
#include <localis/layer/relu6.hpp>
#include <localis/layer/tanh.hpp>

namespace lo = localis;
using input = lo::vector_input<4>;
using localis_test::layer_net;

TEST_CASE("relu, leaky_relu, tanh: values on both sides of the boundary and in evaluation") {
  const std::vector<double> x{-2, 0, 0.5, 3};
  const auto check = [&](auto& net, const std::vector<double>& expected) {
    CHECK(net.forward(x) == expected);
    CHECK(net.forward(x, {.boundary = 1}) == expected);
    CHECK(net.predict(x) == expected);
  };
  layer_net<input, lo::relu> relu(1);
  check(relu, {0, 0, 0.5, 3});
  layer_net<input, lo::leaky_relu> leaky(1);
  check(leaky, {-0.02, 0, 0.5, 3});
  leaky.model.layer<1>().function.leak = 0.5;
  check(leaky, {-1, 0, 0.5, 3});
  layer_net<input, lo::tanh> tanh(1);
  check(tanh, {std::tanh(-2.0), 0, std::tanh(0.5), std::tanh(3.0)});
}

TEST_CASE("relu6: between 0 and 6") {
  layer_net<lo::vector_input<4>, lo::relu6> net(1);
  CHECK(net.forward({-1, 2.5, 6, 7}) == std::vector<double>{0, 2.5, 6, 6});
}
