#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "support/bench.hpp"
#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/rule/bcm.hpp>

namespace lo = localis;
using lo::rule::bcm;
using lo::rule::bcm_form;
using localis_test::bench;
using localis_test::check_range;
using localis_test::deviation;
using localis_test::infinity;
using localis_test::normal;
using localis_test::not_a_number;
using reference = lo::reference::backend<double>;

namespace {

constexpr std::size_t inputs = 5;
constexpr std::size_t units = 3;

template <std::size_t Inputs = inputs, std::size_t Units = units>
using one_layer = bench<lo::vector_input<Inputs>,
                        lo::dense<Units, lo::no_bias, lo::rule::local<bcm, lo::rule::unguarded>>, reference>;

/// Mean of u^2 over rows, by unit.
std::vector<double> mean_squares(const std::vector<double>& x, const std::vector<double>& w) {
  std::vector<double> result(units, 0.0);
  const std::size_t rows = x.size() / inputs;
  for (std::size_t p = 0; p < rows; ++p) {
    for (std::size_t o = 0; o < units; ++o) {
      double u = 0;
      for (std::size_t i = 0; i < inputs; ++i) u += x[p * inputs + i] * w[o * inputs + i];
      result[o] += u * u / static_cast<double>(rows);
    }
  }
  return result;
}

}  // namespace

TEST_CASE("bcm: the gate by hand") {
  CHECK(bcm{}.gate(3.0, 2.0) == 3);
  CHECK(bcm{}.gate(1.0, 2.0) == -1);
  CHECK(bcm{}.gate(-1.0, 2.0) == 3);
  CHECK(bcm{.form = bcm_form::ratio, .epsilon = 0.5}.gate(3.0, 2.0) == doctest::Approx(3 / 2.5).epsilon(1e-15));
  CHECK(bcm{}.statistic(-3.0) == 9);
}

TEST_CASE("bcm: several steps against a plain loop, and a step sees the threshold that steps before it left") {
  for (const bcm_form form : {bcm_form::product, bcm_form::ratio}) {
    one_layer<> one(8);
    one.layer().rule() = {.form = form, .state_rate = 0.3, .epsilon = 0.01};
    std::vector<double> w = one.copy();
    std::vector<double> theta(units, 1.0);
    CHECK(one.state("state") == theta);
    for (std::uint64_t t = 0; t < 5; ++t) {
      const std::size_t rows = t == 3 ? 5 : 8;
      const std::vector<double> x = normal(rows * inputs, 20 + t);
      one.step(x, 0.02);
      const std::vector<double> squares = mean_squares(x, w);
      std::vector<double> next = w;
      for (std::size_t p = 0; p < rows; ++p) {
        for (std::size_t o = 0; o < units; ++o) {
          double u = 0;
          for (std::size_t i = 0; i < inputs; ++i) u += x[p * inputs + i] * w[o * inputs + i];
          const double phi = u * (u - theta[o]) / (form == bcm_form::ratio ? theta[o] + 0.01 : 1);
          for (std::size_t i = 0; i < inputs; ++i) {
            next[o * inputs + i] += 0.02 * phi * x[p * inputs + i] / static_cast<double>(rows);
          }
        }
      }
      w = next;
      for (std::size_t o = 0; o < units; ++o) theta[o] += 0.3 * (squares[o] - theta[o]);
      CHECK(deviation(one.weights(), w) < 1e-13);
      CHECK(deviation(one.state("state"), theta) < 1e-13);
    }
  }
}

TEST_CASE("bcm: where weights rest the threshold comes to the mean of u^2") {
  one_layer<> one(8);
  const std::vector<double> x = normal(8 * inputs, 1);
  const std::vector<double> start = one.copy();
  for (int i = 0; i < 400; ++i) {
    one.step(x, 1e-300);  // the rate is not 0, the change is
  }
  CHECK(one.copy() == start);
  CHECK(deviation(one.state("state"), mean_squares(x, start)) < 1e-12);
}

TEST_CASE("bcm: the threshold rests in evaluation, at rate 0, and behind the boundary") {
  one_layer<> one(8);
  const std::vector<double> x = normal(8 * inputs, 1);
  const std::vector<double> start = one.state("state");
  (void)one.model.predict(x, 8);
  one.step(x, 0);
  one.step(x, {.boundary = 0, .local_rate = 0.1});
  CHECK(one.state("state") == start);
  one.step(x, 0.1);
  CHECK(one.state("state") != start);
}

TEST_CASE("bcm: each unit ends with one of two orthogonal inputs, its response there the inverse of its share") {
  // At rest u (u - theta) is 0 for both inputs; with u2 = 0: u1 = theta = u1^2 / 2, so u1 = 2.
  for (const bcm_form form : {bcm_form::product, bcm_form::ratio}) {
    one_layer<2, 2> one(2);
    one.layer().rule() = {.form = form, .state_rate = 0.5};
    one.set({0.6, 0.5, -0.3, 0.9});
    const std::vector<double> x{0.8, 0.6, -0.6, 0.8};
    for (int i = 0; i < 4000; ++i) one.step(x, 0.05);
    std::array<std::array<double, 2>, 2> u{};
    for (std::size_t o = 0; o < 2; ++o) {
      for (std::size_t p = 0; p < 2; ++p) {
        u[o][p] = one.weights()[2 * o] * x[2 * p] + one.weights()[2 * o + 1] * x[2 * p + 1];
      }
    }
    CAPTURE(static_cast<int>(form));
    CHECK(u[0][0] == doctest::Approx(2).epsilon(1e-6));
    CHECK(std::abs(u[0][1]) < 1e-6);
    CHECK(std::abs(u[1][0]) < 1e-6);
    CHECK(u[1][1] == doctest::Approx(2).epsilon(1e-6));
    for (const double theta : one.state("state")) CHECK(theta == doctest::Approx(2).epsilon(1e-6));
  }
}

TEST_CASE("bcm: parameters out of range are named") {
  check_range("bcm: state_rate", "a number in (0, 1]", {0, -0.1, 1.1, infinity, not_a_number}, {1e-3, 1},
              [](double v) { return bcm{.state_rate = v}; });
  check_range("bcm: epsilon", "a finite number > 0", {0, -1, infinity, not_a_number}, {1e-6, 1},
              [](double v) { return bcm{.epsilon = v}; });
}
