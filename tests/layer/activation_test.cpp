#include <cstddef>
#include <type_traits>
#include <vector>

#include "support/layer_net.hpp"
#include <doctest/doctest.h>

#include <localis/layer/elu.hpp>
#include <localis/layer/gelu.hpp>
#include <localis/layer/hard_swish.hpp>
#include <localis/layer/leaky_relu.hpp>
#include <localis/layer/relu.hpp>
#include <localis/layer/relu6.hpp>
#include <localis/layer/sigmoid.hpp>
#include <localis/layer/silu.hpp>
#include <localis/layer/softplus.hpp>
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
  const lo::tanh_function f;
  check(tanh, {f(-2.0), 0, f(0.5), f(3.0)});
}

TEST_CASE("sigmoid, softplus, elu, silu, gelu, hard_swish: values on both sides of the boundary and in evaluation") {
  const std::vector<double> x{-2, 0, 0.5, 4};
  const auto check = [&]<class Layer>(std::type_identity<Layer>, const std::vector<double>& expected) {
    layer_net<input, Layer> net(1);
    for (const std::vector<double>& found : {net.forward(x), net.forward(x, {.boundary = 1}), net.predict(x)}) {
      for (std::size_t i = 0; i < x.size(); ++i) CHECK(found[i] == doctest::Approx(expected[i]).epsilon(1e-9));
    }
  };
  // To ten digits.
  check(std::type_identity<lo::sigmoid>{}, {0.1192029220, 0.5, 0.6224593312, 0.9820137900});
  check(std::type_identity<lo::softplus>{}, {0.1269280110, 0.6931471806, 0.9740769842, 4.0181499279});
  check(std::type_identity<lo::elu>{}, {-0.8646647168, 0, 0.5, 4});
  check(std::type_identity<lo::silu>{}, {-0.2384058440, 0, 0.3112296656, 3.9280551602});
  check(std::type_identity<lo::gelu>{}, {-0.0455002639, 0, 0.3457312306, 3.9998733150});
  check(std::type_identity<lo::hard_swish>{}, {-1.0 / 3, 0, 1.75 / 6, 4});
}

TEST_CASE("activation: it saves its output, or its input if its slope is a function of that alone") {
  using lo::saved_values;
  static_assert(lo::tanh::describe({}).saves == saved_values::output);
  static_assert(lo::tanh::describe({}).fusable_as == lo::fusion::none);
  static_assert(lo::relu::describe({}).saves == saved_values::output);  // it states both
  static_assert(lo::relu::describe({}).fusable_as == lo::fusion::activation);
  static_assert(lo::gelu::describe({}).saves == saved_values::input);
  static_assert(lo::gelu::describe({}).fusable_as == lo::fusion::none);
}

TEST_CASE("relu6: between 0 and 6") {
  layer_net<lo::vector_input<4>, lo::relu6> net(1);
  CHECK(net.forward({-1, 2.5, 6, 7}) == std::vector<double>{0, 2.5, 6, 6});
}
