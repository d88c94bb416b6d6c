#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <type_traits>
#include <vector>

#include "support/gradients.hpp"
#include "support/rule_cases.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/layer/depthwise_conv2d.hpp>
#include <localis/rule/rule.hpp>
#include <localis/rule/shipped.hpp>

namespace lo = localis;
using reference = lo::reference::backend<double>;

namespace {

/// The output of a network of one layer, its weights set to `weight` and its biases to `bias`.
template <class Net>
std::vector<double> respond(const std::vector<double>& weight, const std::vector<double>& bias,
                            const std::vector<double>& x) {
  lo::model<Net, reference> m;
  const auto parameters = m.template layer<0>().parameters();
  REQUIRE(parameters[0].size() == weight.size());
  REQUIRE(parameters[1].size() == bias.size());
  std::copy(weight.begin(), weight.end(), parameters[0].value);
  std::copy(bias.begin(), bias.end(), parameters[1].value);
  return m.predict(x, x.size() / Net::input.size());
}

/// Each channel learns as a dense layer of one unit does on the windows over that channel.
template <class Rule>
void check_dense_units() {
  using option = lo::rule::local<Rule, lo::rule::unguarded>;
  using layer = lo::depthwise_conv2d<3, lo::stride<2>, lo::padding<1>, option>;
  constexpr std::size_t samples = 4;
  constexpr lo::linear_map map = layer::describe({5, 6, 3}).map();
  localis_test::bench<lo::image<5, 6, 3>, layer, reference> convolution(samples);
  const std::vector<double> start = convolution.copy();
  const std::vector<double> x = localis_test::normal(samples * map.in.size(), 4);
  for (int i = 0; i < 3; ++i) convolution.step(x, 0.05);

  std::vector<double> learned;
  for (std::size_t c = 0; c < map.outputs(); ++c) {
    lo::linear_map channel = map;  // an ordinary convolution over the one channel
    channel.groups = 1;
    channel.in.channels = channel.out.channels = 1;
    std::vector<double> plane(samples * channel.in.size());
    for (std::size_t i = 0; i < plane.size(); ++i) plane[i] = x[i * map.in.channels + c];
    std::vector<double> unfolded(map.rows(samples) * map.inputs());
    for (std::size_t p = 0; p < map.rows(samples); ++p) {
      lo::kernel::unfold_row(channel, plane.data() + p / map.out.positions() * channel.in.size(),
                             p % map.out.positions(), unfolded.data() + p * map.inputs());
    }
    localis_test::bench<lo::vector_input<9>, lo::dense<1, option>, reference> unit(map.rows(samples));
    unit.set(
        {start.begin() + static_cast<std::ptrdiff_t>(c * 9), start.begin() + static_cast<std::ptrdiff_t>(c * 9 + 9)});
    for (int i = 0; i < 3; ++i) unit.step(unfolded, 0.05);
    learned.insert(learned.end(), unit.weights().begin(), unit.weights().end());
  }
  CHECK(localis_test::deviation(start, learned) > 1e-3);
  CHECK(localis_test::deviation(convolution.weights(), learned) < 1e-13);
}

}  // namespace

TEST_CASE("depthwise_conv2d: one unit per channel") {
  using layer = lo::depthwise_conv2d<3, lo::stride<2>, lo::padding<1>, lo::rule::oja>;
  constexpr lo::operation op = layer::describe({7, 6, 5});
  CHECK(op.out == lo::shape{4, 3, 5});
  CHECK(op.parameters == 5 * (9 + 1));
  CHECK(op.learning == lo::local_learning::unsupervised);
  CHECK(std::string(op.name) == "depthwise_conv2d");
  CHECK(std::string(op.rule) == "oja");
  CHECK(op.map().inputs() == 9);
  CHECK(op.map().outputs() == 5);
  CHECK(lo::depthwise_conv2d<2, lo::no_bias>::describe({7, 6, 5}).parameters == 5 * 4);
  CHECK(lo::depthwise_conv2d<2>::describe({7, 6, 5}).learning == lo::local_learning::none);
  CHECK(lo::depthwise_conv2d<5>::describe({4, 4, 1}).problem == lo::misfit::window_larger_than_input);
  CHECK(lo::depthwise_conv2d<3, lo::stride<0>>::describe({4, 4, 1}).problem == lo::misfit::stride_is_zero);
}

TEST_CASE("depthwise_conv2d: cross-correlation with padding and stride, by hand") {
  // Channel 0   1 2 3   kernel 1  10      channel 1   -1 0 1   kernel 1 2
  //             4 5 6         100 1000                 2 2 2          3 4
  const std::vector<double> x{1, -1, 2, 0, 3, 1, 4, 2, 5, 2, 6, 2};
  const std::vector<double> w{1, 10, 100, 1000, 1, 2, 3, 4};
  using plain = lo::network<lo::image<2, 3, 2>, lo::depthwise_conv2d<2>>;
  CHECK(plain::output == lo::shape{1, 2, 2});
  CHECK(respond<plain>(w, {0.5, -0.5}, x) == std::vector<double>{5421.5, 12.5, 6532.5, 15.5});
  using padded = lo::network<lo::image<2, 3, 2>, lo::depthwise_conv2d<2, lo::stride<2>, lo::padding<1>, lo::no_bias>>;
  CHECK(padded::output == lo::shape{2, 2, 2});
  CHECK(respond<padded>(w, {}, x) == std::vector<double>{1000, -4, 3200, 4, 40, 4, 65, 6});
}

TEST_CASE("depthwise_conv2d: weights start with deviation sqrt(2 / Kernel^2)") {
  using net = lo::network<lo::image<4, 4, 200>, lo::depthwise_conv2d<4>>;
  const lo::model<net, reference> m;
  const auto weight = m.layer<0>().parameters()[0];
  double squares = 0;
  for (std::size_t i = 0; i < weight.size(); ++i) squares += weight.value[i] * weight.value[i];
  const auto count = static_cast<double>(weight.size());
  // Four deviations of the estimate.
  CHECK(std::sqrt(squares / count) == doctest::Approx(std::sqrt(2.0 / 16)).epsilon(4 / std::sqrt(2 * count)));
}

TEST_CASE("depthwise_conv2d: gradients by finite differences") {
  using localis_test::check_gradient;
  check_gradient<lo::depthwise_conv2d<3, lo::padding<1>>, lo::image<4, 6, 2>, reference>();
  check_gradient<lo::depthwise_conv2d<2, lo::stride<2>, lo::padding<1>, lo::no_bias>, lo::image<4, 5, 3>, reference>();
}

TEST_CASE("depthwise_conv2d: learns as one dense unit per channel") {
  lo::rule::for_each_rule(lo::rule::shipped{}, []<class Rule>(std::type_identity<Rule>) {
    if constexpr (!lo::rule::supervised<Rule> && !lo::rule::units_interact<Rule>()) check_dense_units<Rule>();
  });
}
