#include <string>
#include <vector>

#include "support/layer_net.hpp"
#include <doctest/doctest.h>

#include <localis/layer/dense.hpp>
#include <localis/layer/junction.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/relu.hpp>
#include <localis/layer/residual.hpp>
#include <localis/rule/oja.hpp>

namespace lo = localis;
using localis_test::layer_net;

namespace {

using one = lo::conv2d<1, 1, lo::no_bias, lo::rule::hebb>;  // the identity (see layer_net.hpp)

/// The output of a block in every mode.
template <class Input, class... Layers>
void check(const std::vector<double>& x, const std::vector<double>& expected) {
  layer_net<Input, Layers...> net(1);
  CHECK(net.forward(x) == expected);
  CHECK(net.forward(x, {.boundary = 1}) == expected);
  CHECK(net.forward(x, {.boundary = 2}) == expected);
  CHECK(net.predict(x) == expected);
}

}  // namespace

TEST_CASE("concatenated: the channels of the branches, in their order, in every mode") {
  using net = lo::network<lo::image<2, 1, 1>, one,
                          lo::concatenated<lo::branch<lo::conv2d<2, 1, lo::no_bias, lo::rule::hebb>>, lo::branch<>,
                                           lo::branch<one, lo::relu>>,
                          lo::conv2d<4, 1, lo::no_bias>>;
  lo::model<net, lo::reference::backend<double>> model;
  model.prepare({.batch = 2});
  model.for_each_parameter([](const lo::operation& op, const lo::parameter<double>& p) {
    for (std::size_t i = 0; i < p.size(); ++i) p.value[i] = op.in.channels == 1 || i % 5 == 0 ? 1 : 0;
    if (op.out.channels == 2) p.value[1] = 10;
  });
  const std::vector<double> x{-1, 2, 3, -4};
  const std::vector<double> expected{-1, -10, -1, 0, 2, 20, 2, 2, 3, 30, 3, 3, -4, -40, -4, 0};
  for (const std::size_t boundary : {0U, 1U, 2U}) {
    const auto y = model.forward(x, 2, {.boundary = boundary});
    CHECK(std::vector<double>(y.begin(), y.end()) == expected);
  }
  CHECK(model.predict(x, 2) == expected);
}

TEST_CASE("added: the sum of any number of branches, in every mode") {
  const std::vector<double> x{-1, 2, 3, -4};
  using input = lo::image<2, 2, 1>;
  check<input, lo::added<lo::branch<one>, lo::branch<lo::relu>, lo::branch<>>>(x, {-2, 6, 9, -8});
  check<input, lo::added<lo::branch<>, lo::branch<>>>(x, {-2, 4, 6, -8});
  check<input, lo::added<lo::branch<one>, lo::branch<>, lo::branch<one, lo::relu>>, lo::relu>(x, {0, 6, 9, 0});
  check<input, lo::residual<lo::residual<lo::relu>, lo::relu>>(x, {-1, 6, 9, -4});
}

TEST_CASE("multiplied: element by element, or by one value per channel, in every mode") {
  const std::vector<double> x{-1, 2, 3, -4};
  using input = lo::image<2, 2, 1>;
  check<input, lo::multiplied<lo::branch<>, lo::branch<>>>(x, {1, 4, 9, 16});
  check<input, lo::multiplied<lo::branch<one>, lo::branch<lo::relu>>>(x, {0, 4, 9, 0});
  check<input, lo::multiplied<lo::branch<>, lo::branch<lo::max_pool2d<2>>>>(x, {-3, 6, 9, -12});
  check<input, lo::residual<lo::multiplied<lo::branch<>, lo::branch<lo::max_pool2d<2>>>>>(x, {-4, 8, 12, -16});
  // Two channels: largest 3 and 20.
  // Two channels, whose largest values are 3 and 20.
  check<lo::image<2, 2, 2>, lo::multiplied<lo::branch<>, lo::branch<lo::max_pool2d<2>>>>(
      {-1, 20, 3, 10, 2, 0, 1, -5}, {-3, 400, 9, 200, 6, 0, 3, -100});
}

TEST_CASE("junctions: a rule within a branch learns as it does alone, and the boundary passes the whole block") {
  using oja = lo::rule::oja;
  using trained = lo::conv2d<3, 1, lo::no_bias, oja>;
  using in_block =
      lo::network<lo::image<2, 2, 2>, lo::concatenated<lo::branch<trained>, lo::branch<trained>>, lo::dense<2>>;
  using by_itself = lo::network<lo::image<2, 2, 2>, trained, lo::dense<2>>;
  CHECK(in_block::stages == 2);
  const auto weights = [](auto& model) {
    model.prepare({.batch = 2});
    const std::vector<double> start{1, 0, 0.5, -0.5, 0.25, 1};
    std::vector<std::vector<double>> result;
    model.for_each_parameter([&](const lo::operation& op, const lo::parameter<double>& p) {
      if (op.stage == 0) model.backend().upload(std::span<const double>(start), p.value);
    });
    (void)model.forward(std::vector<double>{1, 2, 3, -4, 5, 6, -7, 8, 2, 2, 2, -1, 0, 1, 3, 3}, 2,
                        {.boundary = 1, .local_rate = 0.01});
    model.for_each_parameter([&](const lo::operation& op, const lo::parameter<double>& p) {
      if (op.stage == 0) result.emplace_back(p.value, p.value + p.size());
    });
    CHECK(result.front() != start);
    return result;
  };
  lo::model<in_block, lo::reference::backend<double>> both;
  lo::model<by_itself, lo::reference::backend<double>> alone;
  const auto expected = weights(alone).front();
  const auto found = weights(both);
  REQUIRE(found.size() == 2);
  CHECK(found[0] == expected);
  CHECK(found[1] == expected);
}

TEST_CASE("junctions: products are counted in every branch") {
  using net = lo::network<lo::image<4, 4, 2>,
                          lo::concatenated<lo::branch<>, lo::branch<lo::conv2d<3, 3, lo::padding<1>>>,
                                           lo::branch<lo::residual<lo::conv2d<2, 1>>>>,
                          lo::dense<2>>;
  const lo::summary s = lo::model<net, lo::reference::backend<double>>().summary();
  std::size_t work = 0;
  for (const auto& row : s.rows) work += row.multiply_adds;
  CHECK(work == 16 * 3 * 18 + 16 * 2 * 2 + 16 * 7 * 2);
}
