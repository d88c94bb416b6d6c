#include <array>
#include <cstddef>

#include "support/extents.hpp"
#include <doctest/doctest.h>

#include <localis/rule/hebb.hpp>
#include <localis/zoo/efficientnet.hpp>

namespace lo = localis;
namespace zoo = localis::zoo;
using localis_test::check_extents;

namespace {

/// Multiply-adds of the response to one picture of `side` x `side` pixels, by the table of the paper.
std::size_t by_table(std::size_t side, std::size_t first_stride, std::size_t second_stride, std::size_t classes) {
  struct group {
    std::size_t expansion, kernel, stride, channels, count;
  };
  const std::array<group, 7> groups{{{1, 3, 1, 16, 1},
                                     {6, 3, second_stride, 24, 2},
                                     {6, 5, 2, 40, 2},
                                     {6, 3, 2, 80, 3},
                                     {6, 5, 1, 112, 3},
                                     {6, 5, 2, 192, 4},
                                     {6, 3, 1, 320, 1}}};
  side /= first_stride;
  std::size_t channels = 32;
  std::size_t sum = side * side * 27 * channels;
  for (const group& g : groups) {
    for (std::size_t i = 0; i < g.count; ++i) {
      const std::size_t wide = g.expansion * channels;
      if (g.expansion > 1) sum += side * side * channels * wide;
      if (i == 0) side /= g.stride;
      sum += side * side * g.kernel * g.kernel * wide + 2 * wide * (channels / 4) + side * side * wide * g.channels;
      channels = g.channels;
    }
  }
  return sum + side * side * channels * 1280 + 1280 * classes;
}

template <class Network>
std::size_t multiply_adds() {
  std::size_t sum = 0;
  for (const lo::operation& op : Network::program.operations) {
    if (op.trainable()) sum += op.map().rows(1) * op.map().weights();
  }
  return sum;
}

}  // namespace

TEST_CASE("efficientnet: parameters and stages") {
  check_extents<zoo::efficientnet_b0<>>(5288548, 19, 1000);
  check_extents<zoo::efficientnet_b0_32<>>(4020358, 19, 10);
}

TEST_CASE("efficientnet: multiply-adds") {
  CHECK(multiply_adds<zoo::efficientnet_b0<>>() == 385814752);  // the paper states 0.39 billion
  CHECK(multiply_adds<zoo::efficientnet_b0<>>() == by_table(224, 2, 2, 1000));
  CHECK(multiply_adds<zoo::efficientnet_b0_32<>>() == by_table(32, 1, 1, 10));
}

TEST_CASE("efficientnet: with a rule, all but the last stage may lie before the boundary") {
  CHECK(zoo::efficientnet_b0_32<10, lo::rule::hebb>::highest_boundary == 18);
}

TEST_CASE("efficientnet: extents on the way") {
  const auto& large = zoo::efficientnet_b0<>::program.operations;
  CHECK(large[0].out == lo::shape{112, 112, 32});
  CHECK(large[large.size() - 3].in == lo::shape{7, 7, 1280});
  const auto& small = zoo::efficientnet_b0_32<>::program.operations;
  CHECK(small[small.size() - 3].in == lo::shape{4, 4, 1280});
}
