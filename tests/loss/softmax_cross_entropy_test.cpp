#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "support/loss_gradient.hpp"
#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/loss/softmax_cross_entropy.hpp>

using localis::loss::softmax_cross_entropy;
using localis::loss::target;

TEST_CASE("softmax_cross_entropy: values by hand") {
  const softmax_cross_entropy loss;
  std::vector<double> gradient(3);
  const std::vector<double> even{2, 2, 2};
  CHECK(loss.sample(even.data(), 3, target<double>{1, nullptr}, gradient.data(), 1.0) ==
        doctest::Approx(std::log(3)).epsilon(1e-15));
  CHECK(gradient[0] == doctest::Approx(1.0 / 3).epsilon(1e-15));
  CHECK(gradient[1] == doctest::Approx(-2.0 / 3).epsilon(1e-15));
  const std::vector<double> uneven{0, std::log(2.0), std::log(5.0)};  // softmax 1/8, 2/8, 5/8
  CHECK(loss.sample(uneven.data(), 3, target<double>{2, nullptr}, gradient.data(), 0.5) ==
        doctest::Approx(std::log(1.6)).epsilon(1e-14));
  CHECK(gradient[0] == doctest::Approx(0.0625).epsilon(1e-14));
  CHECK(gradient[2] == doctest::Approx(-0.1875).epsilon(1e-14));
}

TEST_CASE("softmax_cross_entropy: rows of targets that are distributions") {
  const softmax_cross_entropy loss;
  const std::vector<double> uneven{0, std::log(2.0), std::log(5.0)};  // softmax 1/8, 2/8, 5/8
  const std::vector<double> wanted{0.5, 0.25, 0.25};
  std::vector<double> gradient(3);
  CHECK(loss.sample(uneven.data(), 3, target<double>{2, wanted.data()}, gradient.data(), 0.5) ==
        doctest::Approx(std::log(8) - 0.25 * std::log(2) - 0.25 * std::log(5)).epsilon(1e-14));
  CHECK(gradient[0] == doctest::Approx(-0.1875).epsilon(1e-14));
  CHECK(gradient[1] == doctest::Approx(0).epsilon(1e-14));
  CHECK(gradient[2] == doctest::Approx(0.1875).epsilon(1e-14));
  localis_test::check_loss_gradient(loss, {0.3, -1.2, 2.5}, {0, wanted.data()});

  const auto takes = [&](const std::vector<float>& row) { return loss.takes_row(row.data(), row.size()); };
  CHECK(takes({0.5F, 0.25F, 0.25F}));
  CHECK(takes({0, 1, 0}));
  CHECK(takes({0.3333F, 0.3333F, 0.3333F}));
  CHECK(!takes({0.5F, 0.25F, 0.5F}));
  CHECK(!takes({0, 0, 0}));
  CHECK(!takes({1.5F, -0.5F, 0}));
  CHECK(!takes({std::numeric_limits<float>::quiet_NaN(), 1, 0}));
}

TEST_CASE("softmax_cross_entropy: smoothing moves a share of each target to all outputs alike") {
  const std::vector<double> uneven{0, std::log(2.0), std::log(5.0)};  // softmax 1/8, 2/8, 5/8
  std::vector<double> gradient(3);
  const softmax_cross_entropy smooth{.smoothing = 0.3};  // of a label: 0.1, 0.1, 0.8
  CHECK(smooth.sample(uneven.data(), 3, target<double>{2, nullptr}, gradient.data(), 0.5) ==
        doctest::Approx(std::log(8) - 0.1 * std::log(2) - 0.8 * std::log(5)).epsilon(1e-14));
  CHECK(gradient[0] == doctest::Approx(0.0125).epsilon(1e-13));
  CHECK(gradient[1] == doctest::Approx(0.075).epsilon(1e-13));
  CHECK(gradient[2] == doctest::Approx(-0.0875).epsilon(1e-13));
  const std::vector<double> wanted{0.5, 0.5, 0};  // 0.45, 0.45, 0.1
  CHECK(smooth.sample(uneven.data(), 3, target<double>{2, wanted.data()}, gradient.data(), 1.0) ==
        doctest::Approx(std::log(8) - 0.45 * std::log(2) - 0.1 * std::log(5)).epsilon(1e-14));
  CHECK(gradient[2] == doctest::Approx(0.525).epsilon(1e-13));
  for (std::uint32_t label = 0; label < 4; ++label) {
    localis_test::check_loss_gradient(smooth, {0.3, -1.2, 2.5, 0.1}, {label, nullptr});
  }
  localis_test::check_range("softmax_cross_entropy: smoothing", "0 to 1",
                            {-0.1, 1.1, localis_test::infinity, localis_test::not_a_number}, {0, 0.5, 1},
                            [](double v) { return softmax_cross_entropy{v}; });
}

TEST_CASE("softmax_cross_entropy: gradient by differences") {
  for (std::uint32_t label = 0; label < 4; ++label) {
    localis_test::check_loss_gradient(softmax_cross_entropy{}, {0.3, -1.2, 2.5, 0.1}, {label, nullptr});
  }
}

TEST_CASE_TEMPLATE("softmax_cross_entropy: stable for logits of +-1e4", T, float, double) {
  const softmax_cross_entropy loss;
  const std::vector<T> logits{T(1e4), T(-1e4), T(0)};
  std::vector<T> gradient(3);
  const auto at = [&](std::uint32_t label) {
    return loss.sample(logits.data(), 3, target<T>{label, nullptr}, gradient.data(), T(1));
  };
  CHECK(at(0) == T(0));
  CHECK(gradient == std::vector<T>{0, 0, 0});
  CHECK(at(1) == T(2e4));
  CHECK(gradient == std::vector<T>{1, -1, 0});
  CHECK(at(2) == T(1e4));
  CHECK(gradient == std::vector<T>{1, 0, -1});
}

TEST_CASE("softmax_cross_entropy: NaN is not hidden") {
  const std::vector<double> logits{0, std::numeric_limits<double>::quiet_NaN(), 1};
  std::vector<double> gradient(3);
  CHECK(std::isnan(softmax_cross_entropy{}.sample(logits.data(), 3, target<double>{0, nullptr}, gradient.data(), 1.0)));
}
