#include <vector>

#include "support/loss_gradient.hpp"
#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/loss/huber.hpp>

using localis::loss::huber;
using localis::loss::target;
using localis_test::infinity;
using localis_test::not_a_number;

TEST_CASE("huber: quadratic up to delta, linear beyond, on both sides") {
  const huber loss{.delta = 2};
  const std::vector<double> output{1, 5, -6, 2};
  const std::vector<double> wanted{0, 2, 1, 4};  // differences 1, 3, -7, -2
  std::vector<double> gradient(4);
  CHECK(loss.sample(output.data(), 4, target<double>{0, wanted.data()}, gradient.data(), 0.5) ==
        (0.5 + 2 * (3 - 1) + 2 * (7 - 1) + 2) / 4);
  CHECK(gradient == std::vector<double>{0.125, 0.25, -0.25, -0.25});
}

TEST_CASE("huber: without target rows, the label's unit vector") {
  const std::vector<double> output{0.5, 0.5, 3};
  std::vector<double> gradient(3);
  CHECK(huber{}.sample(output.data(), 3, target<double>{1, nullptr}, gradient.data(), 3.0) ==
        doctest::Approx((0.125 + 0.125 + 2.5) / 3).epsilon(1e-15));
  CHECK(gradient[0] == doctest::Approx(0.5).epsilon(1e-15));
  CHECK(gradient[1] == doctest::Approx(-0.5).epsilon(1e-15));
  CHECK(gradient[2] == doctest::Approx(1).epsilon(1e-15));
}

TEST_CASE("huber: gradient by differences") {
  const std::vector<double> wanted{0.5, -1, 2, 0};
  for (const double delta : {0.1, 1.0, 30.0}) {
    localis_test::check_loss_gradient(huber{delta}, {0.3, -1.25, 2.75, -7}, {0, wanted.data()});
    localis_test::check_loss_gradient(huber{delta}, {0.3, -1.25, 2.75, -7}, {2, nullptr});
  }
}

TEST_CASE("huber: a delta out of range is named") {
  localis_test::check_range("huber: delta", "a finite number > 0", {0, -1, infinity, not_a_number}, {1e-30, 1, 1e30},
                            [](double v) { return huber{v}; });
}
