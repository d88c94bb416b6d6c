#include <cmath>
#include <limits>
#include <vector>

#include "support/loss_gradient.hpp"
#include <doctest/doctest.h>

#include <localis/loss/binary_cross_entropy.hpp>

using localis::loss::binary_cross_entropy;
using localis::loss::target;

TEST_CASE("binary_cross_entropy: values by hand") {
  const binary_cross_entropy loss;
  const std::vector<double> output{0, std::log(3.0), -std::log(4.0)};  // sigmoid 1/2, 3/4, 1/5
  const std::vector<double> wanted{1, 0, 0.5};
  std::vector<double> gradient(3);
  CHECK(loss.sample(output.data(), 3, target<double>{0, wanted.data()}, gradient.data(), 3.0) ==
        doctest::Approx((std::log(2) + std::log(4) - 0.5 * std::log(0.2) - 0.5 * std::log(0.8)) / 3).epsilon(1e-14));
  CHECK(gradient[0] == doctest::Approx(-0.5).epsilon(1e-14));
  CHECK(gradient[1] == doctest::Approx(0.75).epsilon(1e-14));
  CHECK(gradient[2] == doctest::Approx(-0.3).epsilon(1e-14));
  // Without target rows, the label's unit vector.
  CHECK(loss.sample(output.data(), 3, target<double>{1, nullptr}, gradient.data(), 3.0) ==
        doctest::Approx((std::log(2) + std::log(4.0 / 3) - std::log(0.8)) / 3).epsilon(1e-14));
  CHECK(gradient[1] == doctest::Approx(-0.25).epsilon(1e-14));
}

TEST_CASE("binary_cross_entropy: gradient by differences") {
  const std::vector<double> wanted{0.25, 1, 0, 0.5};
  localis_test::check_loss_gradient(binary_cross_entropy{}, {0.3, -1.2, 2.5, 0}, {0, wanted.data()});
  localis_test::check_loss_gradient(binary_cross_entropy{}, {0.3, -1.2, 2.5, 0}, {2, nullptr});
}

TEST_CASE_TEMPLATE("binary_cross_entropy: stable for logits of +-1e4, exact for small losses", T, float, double) {
  const binary_cross_entropy loss;
  std::vector<T> gradient(1);
  const auto of = [&](T logit, T wanted) {
    return loss.sample(&logit, 1, target<T>{0, &wanted}, gradient.data(), T(1));
  };
  CHECK(of(T(1e4), T(1)) == T(0));
  CHECK(gradient[0] == T(0));
  CHECK(of(T(1e4), T(0)) == T(1e4));
  CHECK(gradient[0] == T(1));
  CHECK(of(T(-1e4), T(0)) == T(0));
  CHECK(gradient[0] == T(0));
  CHECK(of(T(-1e4), T(1)) == T(1e4));
  CHECK(gradient[0] == T(-1));
  // log(1 + x) = x where x is lost in 1 + x
  CHECK(of(T(-40), T(0)) == doctest::Approx(std::exp(-40.0)).epsilon(1e-5).scale(0));
  CHECK(gradient[0] == doctest::Approx(std::exp(-40.0)).epsilon(1e-5).scale(0));
}

TEST_CASE("binary_cross_entropy: takes rows of numbers from 0 to 1") {
  const auto takes = [](const std::vector<float>& row) {
    return binary_cross_entropy{}.takes_row(row.data(), row.size());
  };
  CHECK(takes({0, 1, 0.5F, 1}));
  CHECK(!takes({0.5F, -0.25F}));
  CHECK(!takes({0.5F, 1.25F}));
  CHECK(!takes({std::numeric_limits<float>::quiet_NaN(), 0}));
}

TEST_CASE("binary_cross_entropy: NaN is not hidden") {
  const double logit = std::numeric_limits<double>::quiet_NaN();
  double gradient = 0;
  CHECK(std::isnan(binary_cross_entropy{}.sample(&logit, 1, target<double>{0, nullptr}, &gradient, 1.0)));
}
