// Rules whose units compete: their gates by hand, and where they come to rest.

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "support/rule_cases.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>

namespace lo = localis;
using localis_test::bench;
using localis_test::deviation;
using localis_test::norm;
using localis_test::normal;
using reference = lo::reference::backend<double>;

namespace {

template <std::size_t Units, class Rule>
std::array<double, Units> gates(const Rule& rule, const std::array<double, Units>& u) {
  std::array<double, Units> result{};
  result.fill(-7);
  lo::rule::gate_row(rule, u.data(), static_cast<const double*>(nullptr), result.data(), Units);
  return result;
}

template <class Rule, std::size_t Inputs, std::size_t Units>
using one_layer = bench<lo::vector_input<Inputs>,
                        lo::dense<Units, lo::no_bias, lo::rule::local<Rule, lo::rule::unguarded>>, reference>;

/// Two clouds of 30 points each, around +3 and -3 times a unit vector each along its own axis.
struct clouds {
  static constexpr std::size_t inputs = 4;
  static constexpr std::size_t each = 30;
  std::vector<double> x = normal(2 * each * inputs, 9);
  std::array<std::vector<double>, 2> means{std::vector<double>(inputs, 0.0), std::vector<double>(inputs, 0.0)};

  clouds() {
    for (std::size_t p = 0; p < 2 * each; ++p) {
      for (std::size_t i = 0; i < inputs; ++i) {
        double& value = x[p * inputs + i];
        value = 0.3 * value + (i == p / each ? 3 : 0);
        means[p / each][i] += value / each;
      }
    }
  }
};

}  // namespace

TEST_CASE("k_winners: the k largest, the lower index among equals, all where there are no more") {
  CHECK(gates<4>(lo::rule::k_winners{}, {1, 3, 2, 3}) == std::array<double, 4>{0, 1, 0, 0});
  CHECK(gates<4>(lo::rule::k_winners{.winners = 2}, {1, 3, 2, 3}) == std::array<double, 4>{0, 1, 0, 1});
  CHECK(gates<4>(lo::rule::k_winners{.winners = 3}, {-1, -3, -2, -4}) == std::array<double, 4>{1, 1, 1, 0});
  CHECK(gates<2>(lo::rule::k_winners{.winners = 5}, {1, 2}) == std::array<double, 2>{1, 1});
}

TEST_CASE("k_winners: a row to which no unit responds has no winner") {
  CHECK(gates<4>(lo::rule::k_winners{}, {0, 0, 0, 0}) == std::array<double, 4>{});
  CHECK(gates<4>(lo::rule::k_winners{.winners = 2}, {0, -0.0, 0, 0}) == std::array<double, 4>{});
  CHECK(gates<2>(lo::rule::k_winners{.winners = 5}, {0, 0}) == std::array<double, 2>{});
  CHECK(gates<4>(lo::rule::k_winners{}, {0, -1, 0, 0}) == std::array<double, 4>{1, 0, 0, 0});
  CHECK(gates<1>(lo::rule::k_winners{}, {-1}) == std::array<double, 1>{1});
}

TEST_CASE("competing rules: what an empty row does") {
  const auto weights_after = [](auto rule) {
    one_layer<decltype(rule), 3, 2> one(4);
    one.layer().rule() = rule;
    one.set({1, 2, 3, 4, 5, 6});
    one.step(std::vector<double>(12, 0.0), 0.5);
    return one.copy();
  };
  const std::vector<double> before{1, 2, 3, 4, 5, 6};
  CHECK(weights_after(lo::rule::k_winners{}) == before);
  CHECK(weights_after(lo::rule::k_winners{.winners = 2}) == before);
  CHECK(weights_after(lo::rule::krotov_hopfield{}) == before);
  CHECK(weights_after(lo::rule::krotov_hopfield{.power = 3}) == before);
  CHECK(weights_after(lo::rule::soft_hebb{}) == before);
  // Each of two units by 1 - 0.5 / 2.
  CHECK(weights_after(lo::rule::soft_winner_take_all{}) == std::vector<double>{0.75, 1.5, 2.25, 3, 3.75, 4.5});
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

TEST_CASE("soft_winner_take_all: a softmax of u / temperature, stable for large responses") {
  const auto found = gates<3>(lo::rule::soft_winner_take_all{.temperature = 2}, {2, 4, -2});
  const double sum = std::exp(1) + std::exp(2) + std::exp(-1);
  CHECK(found[0] == doctest::Approx(std::exp(1) / sum).epsilon(1e-14));
  CHECK(found[1] == doctest::Approx(std::exp(2) / sum).epsilon(1e-14));
  CHECK(found[2] == doctest::Approx(std::exp(-1) / sum).epsilon(1e-14));
  CHECK(gates<2>(lo::rule::soft_winner_take_all{}, {1e5, -1e5}) == std::array<double, 2>{1, 0});
}

TEST_CASE("soft_hebb: the winner's share positive, the others' negative") {
  const auto found = gates<3>(lo::rule::soft_hebb{.sharpness = 0.5}, {2, 4, 4});
  const double sum = std::exp(1) + 2 * std::exp(2);
  CHECK(found[0] == doctest::Approx(-std::exp(1) / sum).epsilon(1e-14));
  CHECK(found[1] == doctest::Approx(std::exp(2) / sum).epsilon(1e-14));
  CHECK(found[2] == doctest::Approx(-std::exp(2) / sum).epsilon(1e-14));
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

TEST_CASE("soft_winner_take_all: one unit comes to the mean of all inputs, two cold ones to what each wins") {
  const clouds d;
  one_layer<lo::rule::soft_winner_take_all, clouds::inputs, 1> one(2 * clouds::each);
  std::vector<double> mean(clouds::inputs, 0.0);
  for (std::size_t i = 0; i < clouds::inputs; ++i) mean[i] = (d.means[0][i] + d.means[1][i]) / 2;
  for (int i = 0; i < 400; ++i) one.step(d.x, 0.1);
  CHECK(deviation(one.weights(), mean) < 1e-9);

  one_layer<lo::rule::soft_winner_take_all, clouds::inputs, 2> two(2 * clouds::each);
  two.layer().rule().temperature = 0.01;
  two.set({1, 0, 0, 0, 0, 1, 0, 0});
  for (int i = 0; i < 400; ++i) two.step(d.x, 0.1);
  for (std::size_t o = 0; o < 2; ++o) {
    CHECK(deviation(two.weights().subspan(o * clouds::inputs, clouds::inputs), d.means[o]) < 1e-9);
  }
}

TEST_CASE("instar: a unit comes to the mean of the inputs weighted by its response") {
  const clouds d;
  one_layer<lo::rule::instar, clouds::inputs, 1> one(2 * clouds::each);
  one.set({1, 0, 0, 0});
  for (int i = 0; i < 6000; ++i) one.step(d.x, 0.05);
  std::vector<double> mean(clouds::inputs, 0.0);
  double weight = 0;
  for (std::size_t p = 0; p < 2 * clouds::each; ++p) {
    double u = 0;
    for (std::size_t i = 0; i < clouds::inputs; ++i) u += one.weights()[i] * d.x[p * clouds::inputs + i];
    if (u <= 0) continue;
    weight += u;
    for (std::size_t i = 0; i < clouds::inputs; ++i) mean[i] += u * d.x[p * clouds::inputs + i];
  }
  for (double& m : mean) m /= weight;
  CHECK(deviation(one.weights(), mean) < 1e-9);
}

TEST_CASE("soft_hebb: winners come to norm 1, each in a cloud's direction") {
  const clouds d;
  one_layer<lo::rule::soft_hebb, clouds::inputs, 2> one(2 * clouds::each);
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

TEST_CASE("anti_hebb: along the top eigenvector a step multiplies by 1 - eta lambda") {
  const localis_test::data d;
  one_layer<lo::rule::anti_hebb, localis_test::data::inputs, 1> one(localis_test::data::rows);
  one.set(d.top);
  one.step(d.x, 0.1);
  CHECK(norm(one.weights()) == doctest::Approx(1 - 0.1 * d.lambda).epsilon(1e-12));
}

TEST_CASE("competing rules: parameters out of range") {
  CHECK_THROWS_WITH_AS(lo::rule::k_winners{.winners = 0}.validate(), "k_winners: winners: expected at least 1, found 0",
                       lo::config_error);
  CHECK_THROWS_WITH_AS(lo::rule::soft_winner_take_all{.temperature = 0}.validate(),
                       "soft_winner_take_all: temperature: expected a finite number > 0, found 0", lo::config_error);
  CHECK_THROWS_AS(lo::rule::soft_hebb{.sharpness = std::numeric_limits<double>::infinity()}.validate(),
                  lo::config_error);
}
