#include <cstddef>
#include <string_view>
#include <vector>

#include "support/respond.hpp"
#include <doctest/doctest.h>

#include <localis/core/operation.hpp>
#include <localis/layer/conv1d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/oja.hpp>

namespace lo = localis;
using localis_test::respond;

TEST_CASE("conv1d: cross-correlation with padding, stride and dilation, by hand") {
  using plain = lo::network<lo::signal_input<4, 1>, lo::conv1d<1, 3>>;
  CHECK(plain::output == lo::shape{1, 2, 1});
  CHECK(respond<plain>({1, 10, 100}, {0.5}, {1, 2, 3, 4}) == std::vector<double>{321.5, 432.5});
  using padded = lo::network<lo::signal_input<4, 1>, lo::conv1d<1, 3, lo::padding<1>, lo::stride<2>, lo::no_bias>>;
  CHECK(padded::output == lo::shape{1, 2, 1});
  CHECK(respond<padded>({1, 10, 100}, {}, {1, 2, 3, 4}) == std::vector<double>{210, 432});
  using spread = lo::network<lo::signal_input<4, 1>, lo::conv1d<1, 2, lo::dilation<3>, lo::no_bias>>;
  CHECK(spread::output == lo::shape{1, 1, 1});
  CHECK(respond<spread>({1, 10}, {}, {1, 2, 3, 4}) == std::vector<double>{41});
  // Channels last: 2 positions of 2 channels, and 2 units.
  using channels = lo::network<lo::signal_input<2, 2>, lo::conv1d<2, 1, lo::no_bias>>;
  CHECK(respond<channels>({1, 10, 100, 1000}, {}, {1, 2, 3, 4}) == std::vector<double>{21, 2100, 43, 4300});
}

TEST_CASE("conv1d: its description") {
  constexpr lo::operation op =
      lo::conv1d<8, 3, lo::groups<2>, lo::padding<1>, lo::stride<2>, lo::rule::oja>::describe({1, 9, 4});
  static_assert(op.problem == lo::misfit::none);
  CHECK(std::string_view(op.name) == "conv1d");
  CHECK(std::string_view(op.rule) == "oja");
  CHECK(op.field == lo::window{1, 3, {1, 2}, {0, 1}});
  CHECK(op.out == lo::shape{1, 5, 8});
  CHECK(op.parameters == 8 * 6 + 8);
  static_assert(lo::conv1d<8, 3>::describe({2, 9, 4}).problem == lo::misfit::other);
  static_assert(lo::conv1d<8, 3, lo::padding<1, 2>>::describe({1, 9, 4}).problem == lo::misfit::other);
  static_assert(lo::conv1d<8, 10>::describe({1, 9, 4}).problem == lo::misfit::window_larger_than_input);
  static_assert(lo::conv1d<8, 3, lo::stride<0>>::describe({1, 9, 4}).problem == lo::misfit::stride_is_zero);
}
