#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "support/competition.hpp"
#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/rule/soft_winner_take_all.hpp>

namespace lo = localis;
using lo::rule::soft_winner_take_all;
using localis_test::after_empty_rows;
using localis_test::check_range;
using localis_test::clouds;
using localis_test::deviation;
using localis_test::gates;
using localis_test::infinity;
using localis_test::not_a_number;
using localis_test::one_layer;

TEST_CASE("soft_winner_take_all: a softmax of u / temperature, stable for large responses") {
  const auto found = gates<3>(soft_winner_take_all{.temperature = 2}, {2, 4, -2});
  const double sum = std::exp(1) + std::exp(2) + std::exp(-1);
  CHECK(found[0] == doctest::Approx(std::exp(1) / sum).epsilon(1e-14));
  CHECK(found[1] == doctest::Approx(std::exp(2) / sum).epsilon(1e-14));
  CHECK(found[2] == doctest::Approx(std::exp(-1) / sum).epsilon(1e-14));
  CHECK(gates<2>(soft_winner_take_all{}, {1e5, -1e5}) == std::array<double, 2>{1, 0});
}

TEST_CASE("soft_winner_take_all: an empty row shortens every unit") {
  // Each of two units by 1 - 0.5 / 2.
  CHECK(after_empty_rows(soft_winner_take_all{}) == std::vector<double>{0.75, 1.5, 2.25, 3, 3.75, 4.5});
}

TEST_CASE("soft_winner_take_all: one unit comes to the mean of all inputs, two cold ones to what each wins") {
  const clouds d;
  one_layer<soft_winner_take_all, clouds::inputs, 1> one(2 * clouds::each);
  std::vector<double> mean(clouds::inputs, 0.0);
  for (std::size_t i = 0; i < clouds::inputs; ++i) mean[i] = (d.means[0][i] + d.means[1][i]) / 2;
  for (int i = 0; i < 400; ++i) one.step(d.x, 0.1);
  CHECK(deviation(one.weights(), mean) < 1e-9);

  one_layer<soft_winner_take_all, clouds::inputs, 2> two(2 * clouds::each);
  two.layer().rule().temperature = 0.01;
  two.set({1, 0, 0, 0, 0, 1, 0, 0});
  for (int i = 0; i < 400; ++i) two.step(d.x, 0.1);
  for (std::size_t o = 0; o < 2; ++o) {
    CHECK(deviation(two.weights().subspan(o * clouds::inputs, clouds::inputs), d.means[o]) < 1e-9);
  }
}

TEST_CASE("soft_winner_take_all: parameters out of range are named") {
  check_range("soft_winner_take_all: temperature", "a finite number > 0", {0, -1, infinity, not_a_number}, {1e-3, 10},
              [](double v) { return soft_winner_take_all{.temperature = v}; });
}
