#include <algorithm>
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>

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

}  // namespace

TEST_CASE("dense: y = X W^T + b") {
  using net = lo::network<lo::vector_input<3>, lo::dense<2>>;
  const std::vector<double> y = respond<net>({1, 2, 3, -1, 0, 1}, {10, 20}, {1, 1, 1, 2, 0, -1});
  CHECK(y == std::vector<double>{16, 20, 9, 17});
  CHECK(net::program.operations[0].parameters == 8);
  CHECK(lo::network<lo::vector_input<3>, lo::dense<2, lo::no_bias>>::program.operations[0].parameters == 6);
}

TEST_CASE("dense: sees an image as one row, channels last") {
  using net = lo::network<lo::image<1, 2, 2>, lo::dense<1, lo::no_bias>>;
  CHECK(respond<net>({1, 10, 100, 1000}, {}, {1, 2, 3, 4}) == std::vector<double>{4321});
}

TEST_CASE("conv2d: cross-correlation with padding and stride, by hand") {
  // 1 2 3      kernel  1 10
  // 4 5 6             100 1000
  using plain = lo::network<lo::image<2, 3, 1>, lo::conv2d<1, 2>>;
  CHECK(plain::output == lo::shape{1, 2, 1});
  CHECK(respond<plain>({1, 10, 100, 1000}, {0.5}, {1, 2, 3, 4, 5, 6}) == std::vector<double>{5421.5, 6532.5});
  using padded = lo::network<lo::image<2, 3, 1>, lo::conv2d<1, 2, lo::stride<2>, lo::padding<1>, lo::no_bias>>;
  CHECK(padded::output == lo::shape{2, 2, 1});
  CHECK(respond<padded>({1, 10, 100, 1000}, {}, {1, 2, 3, 4, 5, 6}) == std::vector<double>{1000, 3200, 40, 65});
}

TEST_CASE("conv2d: channels last in images and in weights") {
  // 1 x 2 pixels of 2 channels, kernel 1 with 2 units.
  using net = lo::network<lo::image<1, 2, 2>, lo::conv2d<2, 1, lo::no_bias>>;
  CHECK(respond<net>({1, 10, 100, 1000}, {}, {1, 2, 3, 4}) == std::vector<double>{21, 2100, 43, 4300});
}

TEST_CASE("weights start normal with deviation sqrt(2 / I), biases at 0, and differ by seed and by layer") {
  using net = lo::network<lo::vector_input<50>, lo::dense<50>, lo::dense<50>>;
  const auto weights = [](const auto& layer) {
    const auto p = layer.parameters()[0];
    return std::vector<double>(p.value, p.value + p.size());
  };
  lo::model<net, reference> m{{.seed = 5}};
  const std::vector<double> first = weights(m.layer<0>());
  double sum = 0;
  double squares = 0;
  for (const double w : first) {
    sum += w;
    squares += w * w;
  }
  const double count = static_cast<double>(first.size());
  // Deviations of the estimates: 0.2 / 50 and 0.2 / sqrt(2 count); four of them.
  CHECK(std::abs(sum / count) < 4 * 0.2 / 50);
  CHECK(std::sqrt(squares / count) == doctest::Approx(0.2).epsilon(4 / std::sqrt(2 * count)));
  const auto bias = m.layer<0>().parameters()[1];
  CHECK(std::all_of(bias.value, bias.value + bias.size(), [](double b) { return b == 0; }));
  CHECK(weights(m.layer<1>()) != first);
  lo::model<net, reference> same{{.seed = 5}};
  CHECK(weights(same.layer<0>()) == first);
  lo::model<net, reference> other{{.seed = 6}};
  CHECK(weights(other.layer<0>()) != first);
}
