#include <string_view>
#include <vector>

#include "support/layer_net.hpp"
#include <doctest/doctest.h>

#include <localis/core/operation.hpp>
#include <localis/layer/pool1d.hpp>
#include <localis/network/program.hpp>

namespace lo = localis;
using localis_test::layer_net;
using input = lo::signal_input<5, 1>;

namespace {

const std::vector<double> signal{1, 5, 2, 0, 7};

}  // namespace

TEST_CASE("max_pool1d: windows, a rest that is dropped, overlap, padding that never wins") {
  CHECK(layer_net<input, lo::max_pool1d<2>>(1).forward(signal) == std::vector<double>{5, 2});
  CHECK(layer_net<input, lo::max_pool1d<2, lo::stride<1>>>(1).forward(signal) == std::vector<double>{5, 5, 2, 7});
  CHECK(layer_net<input, lo::max_pool1d<3, lo::stride<2>, lo::padding<1>>>(1).forward({-1, -5, -2, -3, -7}) ==
        std::vector<double>{-1, -2, -3});
}

TEST_CASE("average_pool1d: padding counts as zeros") {
  CHECK(layer_net<input, lo::average_pool1d<2>>(1).forward(signal) == std::vector<double>{3, 1});
  CHECK(layer_net<input, lo::average_pool1d<4, lo::padding<1>, lo::stride<1>>>(1).forward(signal) ==
        std::vector<double>{2, 2, 3.5, 2.25});
}

TEST_CASE("max_pool1d, average_pool1d: their descriptions") {
  constexpr lo::operation largest = lo::max_pool1d<3, lo::stride<2>, lo::padding<1>>::describe({1, 9, 4});
  static_assert(largest.problem == lo::misfit::none);
  CHECK(std::string_view(largest.name) == "max_pool1d");
  CHECK(largest.field == lo::window{1, 3, {1, 2}, {0, 1}});
  CHECK(largest.out == lo::shape{1, 5, 4});
  constexpr lo::operation mean = lo::average_pool1d<3>::describe({1, 9, 4});
  static_assert(mean.problem == lo::misfit::none);
  CHECK(std::string_view(mean.name) == "average_pool1d");
  CHECK(mean.out == lo::shape{1, 3, 4});
  static_assert(lo::max_pool1d<3>::describe({3, 9, 4}).problem == lo::misfit::other);
  static_assert(lo::average_pool1d<3>::describe({3, 9, 4}).problem == lo::misfit::other);
  static_assert(lo::max_pool1d<3, lo::padding<2>>::describe({1, 9, 4}).problem == lo::misfit::window_larger_than_input);
}
