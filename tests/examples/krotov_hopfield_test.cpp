#include "reproduce/krotov_hopfield.hpp"

#include <cmath>
#include <cstddef>
#include <vector>

#include "support/loss_gradient.hpp"
#include "support/ranges.hpp"
#include <doctest/doctest.h>

using examples::krotov_hopfield::distance_power;
using examples::krotov_hopfield::rectified_power_function;
using localis_test::infinity;
using localis_test::not_a_number;

TEST_CASE("krotov_hopfield: the hidden units' power and its slope") {
  const rectified_power_function f{.power = 2.5};
  CHECK(f(4.0) == doctest::Approx(32).epsilon(1e-14));
  CHECK(f.slope_at(4.0) == doctest::Approx(20).epsilon(1e-14));
  CHECK(f(-4.0) == 0);
  CHECK(f.slope_at(-4.0) == 0);
  CHECK(f.slope_at(0.0) == 0);
  CHECK(std::isnan(f(not_a_number)));
}

TEST_CASE("krotov_hopfield: the loss is a power of the distance to 1 and -1") {
  const distance_power loss{.power = 3, .beta = 2};
  const std::vector<double> output{0, 0.25, -100};
  std::vector<double> gradient(3);
  const double y = std::tanh(0.5);
  CHECK(loss.sample(output.data(), 3, localis::loss::target<double>{1, nullptr}, gradient.data(), 0.5) ==
        doctest::Approx(1 + std::pow(1 - y, 3)).epsilon(1e-14));
  CHECK(gradient[0] == doctest::Approx(0.5 * 3 * 2).epsilon(1e-14));
  CHECK(gradient[1] == doctest::Approx(-0.5 * 3 * (1 - y) * (1 - y) * 2 * (1 - y * y)).epsilon(1e-14));
  CHECK(gradient[2] == 0);
  for (const double power : {1.5, 2.0, 6.0}) {
    localis_test::check_loss_gradient(distance_power{.power = power, .beta = 0.5}, {0.3, -1.25, 2.75, -3},
                                      {2, nullptr});
  }
}

TEST_CASE("krotov_hopfield: powers and beta out of range") {
  for (const double power : {0.5, infinity, not_a_number}) {
    CHECK_THROWS_AS(rectified_power_function{.power = power}.validate(), localis::config_error);
    CHECK_THROWS_AS(distance_power{.power = power}.validate(), localis::config_error);
    CHECK_THROWS_AS(distance_power{.beta = -power}.validate(), localis::config_error);
  }
}
