#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "support/competition.hpp"
#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/rule/soft_hebb.hpp>

namespace lo = localis;
using lo::rule::soft_hebb;
using localis_test::after_empty_rows;
using localis_test::bench;
using localis_test::check_range;
using localis_test::clouds;
using localis_test::gates;
using localis_test::infinity;
using localis_test::norm;
using localis_test::normal;
using localis_test::not_a_number;
using localis_test::one_layer;

TEST_CASE("soft_hebb: the winner's share positive, the others' negative") {
  const auto found = gates<3>(soft_hebb{.sharpness = 0.5}, {2, 4, 4});
  const double sum = std::exp(1) + 2 * std::exp(2);
  CHECK(found[0] == doctest::Approx(-std::exp(1) / sum).epsilon(1e-14));
  CHECK(found[1] == doctest::Approx(std::exp(2) / sum).epsilon(1e-14));
  CHECK(found[2] == doctest::Approx(-std::exp(2) / sum).epsilon(1e-14));
}

TEST_CASE("soft_hebb: an empty row changes nothing") {
  CHECK(after_empty_rows(soft_hebb{}) == std::vector<double>{1, 2, 3, 4, 5, 6});
}

TEST_CASE("soft_hebb: winners come to norm 1, each in a cloud's direction") {
  const clouds d;
  one_layer<soft_hebb, clouds::inputs, 2> one(2 * clouds::each);
  one.layer().rule().sharpness = 20;  // the losers' share is next to nothing
  one.set({0.5, 0, 0, 0, 0, 1.5, 0, 0});
  for (int i = 0; i < 2000; ++i) one.step(d.x, 0.05);
  for (std::size_t o = 0; o < 2; ++o) {
    const auto row = one.weights().subspan(o * clouds::inputs, clouds::inputs);
    CHECK(norm(row) == doctest::Approx(1).epsilon(1e-6));
    double cosine = 0;
    for (std::size_t i = 0; i < clouds::inputs; ++i) cosine += row[i] * d.means[o][i] / norm(d.means[o]);
    CHECK(cosine == doctest::Approx(1).epsilon(1e-6));
  }
}

TEST_CASE("soft_hebb: with rate_power, steps by max_abs_step fade as the units' norms come to 1") {
  constexpr std::size_t inputs = 6;
  using local = lo::rule::local<soft_hebb, lo::rule::max_abs_step, lo::rule::unguarded>;
  bench<lo::vector_input<inputs>, lo::dense<3, local>, lo::reference::backend<double>> one(64);
  one.layer().rule() = {.sharpness = 1, .rate_power = 0.5};
  const auto moves = [&](std::uint64_t t) {
    const std::vector<double> before = one.copy();
    one.step(normal(64 * inputs, 40 + t), 0.05);
    double most = 0;
    for (std::size_t i = 0; i < before.size(); ++i) most = std::max(most, std::abs(one.weights()[i] - before[i]));
    return most;
  };
  const double first = moves(0);
  for (std::uint64_t t = 1; t < 599; ++t) (void)moves(t);
  const double last = moves(599);
  MESSAGE("the largest change of a weight: ", first, " in the first step, ", last, " in the 600th");
  CHECK(last < first / 10);
}

TEST_CASE("soft_hebb: parameters out of range are named") {
  check_range("soft_hebb: sharpness", "a finite number > 0", {0, -1, infinity, not_a_number}, {1e-3, 10},
              [](double v) { return soft_hebb{.sharpness = v}; });
  check_range("soft_hebb: rate_power", "a finite number >= 0", {-0.1, infinity, not_a_number}, {0, 0.5, 2},
              [](double v) { return soft_hebb{.rate_power = v}; });
}
