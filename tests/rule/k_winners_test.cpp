#include <array>
#include <cstddef>
#include <vector>

#include "support/competition.hpp"
#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/rule/k_winners.hpp>

namespace lo = localis;
using lo::rule::k_winners;
using localis_test::after_empty_rows;
using localis_test::check_range;
using localis_test::clouds;
using localis_test::deviation;
using localis_test::gates;
using localis_test::one_layer;

TEST_CASE("k_winners: the k largest, the lower index among equals, all where there are no more") {
  CHECK(gates<4>(k_winners{}, {1, 3, 2, 3}) == std::array<double, 4>{0, 1, 0, 0});
  CHECK(gates<4>(k_winners{.winners = 2}, {1, 3, 2, 3}) == std::array<double, 4>{0, 1, 0, 1});
  CHECK(gates<4>(k_winners{.winners = 3}, {-1, -3, -2, -4}) == std::array<double, 4>{1, 1, 1, 0});
  CHECK(gates<2>(k_winners{.winners = 5}, {1, 2}) == std::array<double, 2>{1, 1});
}

TEST_CASE("k_winners: a row to which no unit responds has no winner") {
  CHECK(gates<4>(k_winners{}, {0, 0, 0, 0}) == std::array<double, 4>{});
  CHECK(gates<4>(k_winners{.winners = 2}, {0, -0.0, 0, 0}) == std::array<double, 4>{});
  CHECK(gates<2>(k_winners{.winners = 5}, {0, 0}) == std::array<double, 2>{});
  CHECK(gates<4>(k_winners{}, {0, -1, 0, 0}) == std::array<double, 4>{1, 0, 0, 0});
  CHECK(gates<1>(k_winners{}, {-1}) == std::array<double, 1>{1});
}

TEST_CASE("k_winners: an empty row changes nothing") {
  const std::vector<double> before{1, 2, 3, 4, 5, 6};
  CHECK(after_empty_rows(k_winners{}) == before);
  CHECK(after_empty_rows(k_winners{.winners = 2}) == before);
}

TEST_CASE("k_winners: each unit comes to the mean of the inputs it wins") {
  const clouds d;
  one_layer<lo::rule::winner_take_all, clouds::inputs, 2> one(2 * clouds::each);
  one.set({1, 0, 0, 0, 0, 1, 0, 0});
  for (int i = 0; i < 400; ++i) one.step(d.x, 0.1);
  for (std::size_t o = 0; o < 2; ++o) {
    const auto row = one.weights().subspan(o * clouds::inputs, clouds::inputs);
    CHECK(deviation(row, d.means[o]) < 1e-9);
  }
}

TEST_CASE("k_winners: empty rows among others leave the units where they come to rest") {
  const clouds d;
  std::vector<double> x = d.x;
  x.resize(5 * x.size());  // four rows of five are empty
  one_layer<lo::rule::winner_take_all, clouds::inputs, 2> one(10 * clouds::each);
  one.set({1, 0, 0, 0, 0, 1, 0, 0});
  for (int i = 0; i < 4000; ++i) one.step(x, 0.1);
  for (std::size_t o = 0; o < 2; ++o) {
    CHECK(deviation(one.weights().subspan(o * clouds::inputs, clouds::inputs), d.means[o]) < 1e-9);
  }
}

TEST_CASE("k_winners: parameters out of range are named") {
  check_range("k_winners: winners", "at least 1", {0}, {1, 100},
              [](double v) { return k_winners{.winners = static_cast<std::size_t>(v)}; });
}
