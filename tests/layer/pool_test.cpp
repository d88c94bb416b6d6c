#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <vector>

#include "support/layer_net.hpp"
#include <doctest/doctest.h>

#include <localis/layer/pool.hpp>
#include <localis/loss/mean_squared_error.hpp>

namespace lo = localis;
using localis_test::layer_net;

namespace {

const std::vector<double> picture{
    1, 5, 2, 0,  //
    7, 3, 1, 4,  //
    2, 2, 9, 8,  //
};
using input = lo::image<3, 4, 1>;

}  // namespace

TEST_CASE("max_pool2d: windows, a rest that is dropped, overlap, padding that never wins") {
  CHECK(layer_net<input, lo::max_pool2d<2>>(1).forward(picture) == std::vector<double>{7, 4});
  CHECK(layer_net<input, lo::max_pool2d<2, lo::stride<1>>>(1).forward(picture) ==
        std::vector<double>{7, 5, 4, 7, 9, 9});
  std::vector<double> negative = picture;
  for (double& v : negative) v = -v;
  CHECK(layer_net<input, lo::max_pool2d<3, lo::stride<2>, lo::padding<1>>>(1).forward(negative) ==
        std::vector<double>{-1, 0, -2, -1});
}

TEST_CASE("max_pool2d: a window, stride and padding of its own along each axis") {
  CHECK(layer_net<input, lo::max_pool2d<lo::kernel_size<1, 2>>>(1).forward(picture) ==
        std::vector<double>{5, 2, 7, 4, 2, 9});
  CHECK(layer_net<input, lo::max_pool2d<lo::kernel_size<3, 2>, lo::stride<1, 2>, lo::padding<1, 0>>>(1).forward(
            picture) == std::vector<double>{7, 4, 7, 9, 7, 9});
  static_assert(lo::max_pool2d<lo::kernel_size<1, 2>, lo::padding<0, 1>>::describe({3, 4, 1}).problem ==
                lo::misfit::none);
  static_assert(lo::max_pool2d<lo::kernel_size<1, 2>, lo::padding<1, 0>>::describe({3, 4, 1}).problem ==
                lo::misfit::window_larger_than_input);
}

TEST_CASE("max_pool2d: with ceil_mode, a last window that the image ends within counts too") {
  CHECK(layer_net<input, lo::max_pool2d<2, lo::ceil_mode>>(1).forward(picture) == std::vector<double>{7, 4, 2, 9});
  CHECK(layer_net<input, lo::max_pool2d<3, lo::stride<2>, lo::ceil_mode>>(1).forward(picture) ==
        std::vector<double>{9, 9});
  CHECK(layer_net<input, lo::max_pool2d<2>, lo::max_pool2d<1, lo::ceil_mode>>(1).forward(picture) ==
        std::vector<double>{7, 4});
  const auto out = [](const lo::operation& op) { return op.out; };
  CHECK(out(lo::max_pool2d<3, lo::stride<2>, lo::ceil_mode>::describe({112, 7, 1})) == lo::shape{56, 3, 1});
  // A window that began in the padding behind the image would see nothing.
  CHECK(out(lo::max_pool2d<2, lo::stride<3>, lo::padding<1>, lo::ceil_mode>::describe({5, 8, 1})) ==
        lo::shape{2, 3, 1});
  // Only whole squares can be pooled where they are computed.
  CHECK(lo::max_pool2d<2, lo::ceil_mode>::describe({4, 6, 1}).fusable_as == lo::fusion::epilogue);
  CHECK(lo::max_pool2d<2, lo::ceil_mode>::describe({4, 5, 1}).fusable_as == lo::fusion::none);
}

TEST_CASE("average_pool2d: padding counts as zeros, and global_average_pool: the mean of a channel") {
  CHECK(layer_net<input, lo::average_pool2d<2>>(1).forward(picture) == std::vector<double>{4, 1.75});
  CHECK(layer_net<input, lo::average_pool2d<2, lo::padding<1>>>(1).forward(picture) ==
        std::vector<double>{0.25, 1.75, 0, 2.25, 3.75, 3});
  CHECK(layer_net<input, lo::average_pool2d<lo::kernel_size<1, 4>, lo::padding<0, 2>, lo::stride<2, 1>>>(1).forward(
            picture) == std::vector<double>{1.5, 2, 2, 1.75, 0.5, 1, 3.25, 5.25, 4.75, 4.25});
  CHECK(layer_net<lo::image<2, 2, 2>, lo::global_average_pool>(2).forward(
            {1, 10, 2, 20, 3, 30, 4, 40, 0, 0, 0, 0, 0, 0, 8, -8}) == std::vector<double>{2.5, 25, 2, -2});
}

TEST_CASE("max_pool2d: NaN wins, wherever it stands in its window") {
  for (const std::size_t at : std::initializer_list<std::size_t>{2, 3, 6, 7}) {
    std::vector<double> broken = picture;
    broken[at] = std::numeric_limits<double>::quiet_NaN();
    const std::vector<double> y = layer_net<input, lo::max_pool2d<2>>(1).forward(broken);
    CHECK(y[0] == 7);
    CHECK(std::isnan(y[1]));
  }
}

TEST_CASE("max_pool2d: the first of equal maxima gets the gradient, once") {
  // The first convolution's weight gradient is sum dy x over what the pool hands back: with dy = 1 for each output it
  // is the sum of the maxima, were several to get it, more.
  layer_net<input, lo::max_pool2d<2, lo::stride<1>>> net(1);
  const std::vector<double> flat(12, 3.0);
  const std::vector<double> y = net.forward(flat);
  std::vector<double> targets(y.size());
  for (std::size_t i = 0; i < y.size(); ++i) targets[i] = y[i] - 0.5 * static_cast<double>(y.size());  // dy = 1
  (void)net.model.loss(lo::loss::mean_squared_error{}, {}, targets);
  net.model.backward();
  double first = 0;
  net.model.for_each_gradient([&](const lo::operation& op, const auto&, const double* g) {
    if (op.stage == 0) first = g[0];
  });
  CHECK(first == doctest::Approx(6 * 3.0).epsilon(1e-14));
}
