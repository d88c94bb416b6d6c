#include <cmath>
#include <initializer_list>
#include <limits>

#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/math/activation.hpp>

namespace lo = localis;

TEST_CASE_TEMPLATE("activation functions: the slope, in terms of y and of x, is the derivative", Function,
                   lo::identity_function, lo::relu_function, lo::relu6_function, lo::leaky_relu_function,
                   lo::tanh_function) {
  const Function f{};
  constexpr double step = 1e-6;
  for (const double x : {-7.3, -1.2, -0.1, 0.2, 1.5, 5.9, 6.1, 9.0}) {  // away from the corners at 0 and 6
    CAPTURE(x);
    const double found = (f(x + step) - f(x - step)) / (2 * step);
    CHECK(std::abs(f.slope(f(x)) - found) < 1e-9);  // rounding: 1e-15 / step
    if constexpr (requires { f.slope_at(x); }) CHECK(f.slope_at(x) == f.slope(f(x)));
  }
}

TEST_CASE("activation functions: at their corners, and beyond") {
  CHECK(lo::relu_function{}(-0.5) == 0);
  CHECK(lo::relu_function{}.slope(0.0) == 0);
  CHECK(lo::relu6_function{}(7.0) == 6);
  CHECK(lo::relu6_function{}.slope(6.0) == 0);
  CHECK(lo::leaky_relu_function{}(-2.0) == -0.02);
  CHECK(lo::leaky_relu_function{.leak = 0.5}(-2.0F) == -1.0F);
  CHECK(lo::tanh_function{}(0.7) == doctest::Approx(std::tanh(0.7)).epsilon(1e-15));  // which the compiler may fold
}

TEST_CASE("relu, relu6, leaky_relu: NaN stays NaN") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(std::isnan(lo::relu_function{}(nan)));
  CHECK(std::isnan(lo::relu6_function{}(nan)));
  CHECK(std::isnan(lo::leaky_relu_function{}(nan)));
}

TEST_CASE("leaky_relu: a leak out of range") {
  using localis_test::infinity;
  localis_test::check_range("leaky_relu: leak", "a finite number >= 0", {-0.1, infinity, localis_test::not_a_number},
                            {0, 0.5}, [](double v) { return lo::leaky_relu_function{.leak = v}; });
}
