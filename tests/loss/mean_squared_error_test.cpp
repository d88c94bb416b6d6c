#include <vector>

#include "support/loss_gradient.hpp"
#include <doctest/doctest.h>

#include <localis/loss/mean_squared_error.hpp>

using localis::loss::mean_squared_error;
using localis::loss::target;

TEST_CASE("mean_squared_error: target rows, or the label's unit vector") {
  const mean_squared_error loss;
  const std::vector<double> output{1, 2, -1, 0};
  const std::vector<double> wanted{0, 2, 1, 3};
  std::vector<double> gradient(4);
  CHECK(loss.sample(output.data(), 4, target<double>{0, wanted.data()}, gradient.data(), 0.5) == (1 + 0 + 4 + 9) / 4.0);
  CHECK(gradient == std::vector<double>{0.25, 0, -0.5, -0.75});
  CHECK(loss.sample(output.data(), 4, target<double>{1, nullptr}, gradient.data(), 1.0) == (1 + 1 + 1 + 0) / 4.0);
  CHECK(gradient == std::vector<double>{0.5, 0.5, -0.5, 0});
}

TEST_CASE("mean_squared_error: gradient by differences") {
  const std::vector<double> wanted{0.5, -1, 2};
  localis_test::check_loss_gradient(mean_squared_error{}, {0.3, -1.2, 2.5}, {0, wanted.data()});
  localis_test::check_loss_gradient(mean_squared_error{}, {0.3, -1.2, 2.5}, {2, nullptr});
}
