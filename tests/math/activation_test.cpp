#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>

#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/math/activation.hpp>

namespace lo = localis;

TEST_CASE_TEMPLATE("activation functions: the slope, in terms of y and of x, is the derivative", Function,
                   lo::identity_function, lo::relu_function, lo::relu6_function, lo::leaky_relu_function,
                   lo::tanh_function, lo::sigmoid_function, lo::softplus_function, lo::elu_function, lo::silu_function,
                   lo::gelu_function, lo::hard_swish_function) {
  const Function f{};
  constexpr double step = 1e-3;
  for (const double x : {-7.3, -1.2, -0.1, 0.2, 1.5, 5.9, 6.1, 9.0}) {  // away from the corners at 0, 6 and -3, 3
    CAPTURE(x);
    // Of fourth order: step^4, and the rounding of values up to 9, 2e-15 / step, are below the tolerance.
    const double found = (8 * (f(x + step) - f(x - step)) - (f(x + 2 * step) - f(x - 2 * step))) / (12 * step);
    if constexpr (lo::slope_of_output<Function>) CHECK(std::abs(f.slope(f(x)) - found) < 1e-11);
    if constexpr (lo::slope_of_input<Function>) CHECK(std::abs(f.slope_at(x) - found) < 1e-11);
    if constexpr (lo::slope_of_output<Function> && lo::slope_of_input<Function>) {
      CHECK(f.slope_at(x) == f.slope(f(x)));
    }
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

TEST_CASE("activation functions: values from their definitions") {
  const auto close = [](double found, double expected) { CHECK(found == doctest::Approx(expected).epsilon(1e-14)); };
  for (const double x : {-30.0, -2.0, -1e-9, 0.0, 0.3, 2.0, 30.0}) {
    CAPTURE(x);
    close(lo::sigmoid_function{}(x), 1 / (1 + std::exp(-x)));
    close(lo::silu_function{}(x), x / (1 + std::exp(-x)));
    close(lo::softplus_function{}(x), std::log1p(std::exp(x)));
    close(lo::elu_function{}(x), x > 0 ? x : std::expm1(x));
    close(lo::elu_function{.alpha = 0.5}(x), x > 0 ? x : 0.5 * std::expm1(x));
    close(lo::hard_swish_function{}(x), x * std::min(std::max(x + 3, 0.0), 6.0) / 6);
  }
  for (const double x : {-2.0, -1e-9, 0.0, 0.3, 2.0, 30.0})
    close(lo::gelu_function{}(x), x / 2 * (1 + std::erf(x / std::sqrt(2))));
  CHECK(lo::gelu_function{}(-10.0) == doctest::Approx(-7.61985302416052609e-23).epsilon(1e-13));  // where 1 + erf is 0
  CHECK(lo::elu_function{.alpha = 0.5}.slope(0.0) == 0.5);
  CHECK(lo::hard_swish_function{}.slope_at(-3.5) == 0);
  CHECK(lo::hard_swish_function{}.slope_at(3.5) == 1);
}

TEST_CASE_TEMPLATE("activation functions: far from 0 nothing overflows", T, float, double) {
  for (const T x : {T(1e4), T(1e19)}) {  // the square of the second overflows in float
    CHECK(lo::sigmoid_function{}(x) == 1);
    CHECK(lo::sigmoid_function{}(-x) == 0);
    CHECK(lo::softplus_function{}(x) == x);
    CHECK(lo::softplus_function{}(-x) == 0);
    CHECK(lo::elu_function{}(-x) == -1);
    CHECK(lo::silu_function{}(x) == x);
    CHECK(lo::silu_function{}(-x) == 0);
    CHECK(lo::silu_function{}.slope_at(x) == 1);
    CHECK(lo::silu_function{}.slope_at(-x) == 0);
    CHECK(lo::gelu_function{}(x) == x);
    CHECK(lo::gelu_function{}(-x) == 0);
    CHECK(lo::gelu_function{}.slope_at(x) == 1);
    CHECK(lo::gelu_function{}.slope_at(-x) == 0);
  }
}

TEST_CASE("activation functions: NaN stays NaN") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(std::isnan(lo::sigmoid_function{}(nan)));
  CHECK(std::isnan(lo::softplus_function{}(nan)));
  CHECK(std::isnan(lo::elu_function{}(nan)));
  CHECK(std::isnan(lo::silu_function{}(nan)));
  CHECK(std::isnan(lo::gelu_function{}(nan)));
  CHECK(std::isnan(lo::hard_swish_function{}(nan)));
  CHECK(std::isnan(lo::relu_function{}(nan)));
  CHECK(std::isnan(lo::relu6_function{}(nan)));
  CHECK(std::isnan(lo::leaky_relu_function{}(nan)));
}

TEST_CASE("leaky_relu: a leak out of range") {
  using localis_test::infinity;
  localis_test::check_range("leaky_relu: leak", "a finite number >= 0", {-0.1, infinity, localis_test::not_a_number},
                            {0, 0.5}, [](double v) { return lo::leaky_relu_function{.leak = v}; });
}

TEST_CASE("elu: an alpha out of range") {
  using localis_test::infinity;
  localis_test::check_range("elu: alpha", "a finite number >= 0", {-0.1, infinity, localis_test::not_a_number},
                            {0, 1.5}, [](double v) { return lo::elu_function{.alpha = v}; });
}
