#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include <localis/math/exponential.hpp>

using localis::math::exp_of_negative;
using localis::math::expm1_of_negative;
using localis::math::power_of_positive;

namespace {

/// Largest deviation of f from `exact` in long double, in units in the last place of the result, at `steps` values from
/// `least` towards 0.
template <class T, class F, class Exact>
double worst(const F& f, const Exact& exact, T least, int steps) {
  double most = 0;
  for (int i = 0; i < steps; ++i) {
    const T x = least * static_cast<T>(steps - i) / static_cast<T>(steps);
    const long double expected = exact(static_cast<long double>(x));
    const T rounded = (std::abs)(static_cast<T>(expected));
    const auto unit = static_cast<long double>(rounded - std::nextafter(rounded, T(0)));
    const auto off = static_cast<double>(std::abs(static_cast<long double>(f(x)) - expected) / unit);
    most = off <= most ? most : off;  // NaN too
  }
  return most;
}
template <class T>
double worst_exp(T least, int steps) {
  return worst([](T x) { return exp_of_negative(x); }, [](long double x) { return std::exp(x); }, least, steps);
}
template <class T>
double worst_expm1(T least, int steps) {
  return worst([](T x) { return expm1_of_negative(x); }, [](long double x) { return std::expm1(x); }, least, steps);
}
template <class T>
double worst_tanh(T least, int steps) {
  return worst([](T x) { return localis::math::tanh(x); }, [](long double x) { return std::tanh(x); }, least, steps);
}

/// The largest deviation of x^exponent in units in the last place, over 3 + 2 |ln(x^exponent)|, from x = e^-reach to
/// e^reach.
template <class T>
double worst_power(T exponent, T reach, int steps) {
  double most = 0;
  for (int i = -steps; i <= steps; ++i) {
    const T x = std::exp(reach * static_cast<T>(i) / static_cast<T>(steps));
    const long double expected = std::pow(static_cast<long double>(x), static_cast<long double>(exponent));
    const T rounded = static_cast<T>(expected);
    const auto unit = static_cast<long double>(rounded - std::nextafter(rounded, T(0)));
    const long double off = std::abs(static_cast<long double>(power_of_positive(x, exponent)) - expected) / unit;
    const auto share = static_cast<double>(off / (3 + 2 * std::abs(std::log(expected))));
    most = share <= most ? most : share;  // NaN too
  }
  return most;
}

template <class T>
void check_ends_of_power() {
  constexpr T infinity = std::numeric_limits<T>::infinity();
  constexpr T least = std::numeric_limits<T>::min();
  constexpr T largest = std::numeric_limits<T>::max();
  for (const T x : {T(0), least / 2}) {
    CHECK(power_of_positive(x, T(0.7)) == T(0));
    CHECK(power_of_positive(x, T(-0.7)) == infinity);
    CHECK(power_of_positive(x, T(0)) == T(1));
  }
  CHECK(power_of_positive(infinity, T(0.7)) == infinity);
  CHECK(power_of_positive(infinity, T(-0.7)) == T(0));
  CHECK(power_of_positive(infinity, T(0)) == T(1));
  CHECK(power_of_positive(T(1), T(3.3)) == T(1));
  CHECK(power_of_positive(largest, T(2)) == infinity);
  CHECK(power_of_positive(largest, T(-2)) == T(0));
  CHECK(power_of_positive(least, T(2)) == T(0));
  CHECK(power_of_positive(least, T(-2)) == infinity);
  CHECK(std::isnan(power_of_positive(std::numeric_limits<T>::quiet_NaN(), T(0.7))));
}

template <class T>
void check_ends() {
  CHECK(exp_of_negative(T(0)) == T(1));
  CHECK(exp_of_negative(-T(0)) == T(1));
  CHECK(exp_of_negative(-std::numeric_limits<T>::infinity()) == T(0));
  CHECK(exp_of_negative(-std::numeric_limits<T>::max()) == T(0));
  CHECK(std::isnan(exp_of_negative(std::numeric_limits<T>::quiet_NaN())));
  CHECK(expm1_of_negative(T(0)) == T(0));
  CHECK(expm1_of_negative(-std::numeric_limits<T>::infinity()) == T(-1));
  CHECK(expm1_of_negative(-std::numeric_limits<T>::max()) == T(-1));
  CHECK(std::isnan(expm1_of_negative(std::numeric_limits<T>::quiet_NaN())));
  using localis::math::tanh;
  CHECK(tanh(T(0)) == T(0));
  CHECK(tanh(std::numeric_limits<T>::infinity()) == T(1));
  CHECK(tanh(-std::numeric_limits<T>::max()) == T(-1));
  CHECK(tanh(std::numeric_limits<T>::min()) == std::numeric_limits<T>::min());
  CHECK(std::isnan(tanh(std::numeric_limits<T>::quiet_NaN())));
}

}  // namespace

TEST_CASE("exponential: two units in the last place of e^x at most, from 0 down to the smallest normal number") {
  CHECK(worst_exp(-87.33F, 1000003) < 2);
  CHECK(worst_exp(-708.39, 1000003) < 2);
  CHECK(worst_exp(-1.0, 100003) < 2);
}
TEST_CASE("exponential: two units in the last place of e^x - 1 at most, and three of tanh x, also close to 0") {
  for (const float least : {-87.0F, -2.0F, -1e-3F, -1e-30F}) {
    CHECK(worst_expm1(least, 300007) < 2);
    CHECK(worst_tanh(least, 300007) < 3);
    CHECK(worst_tanh(-least, 300007) < 3);
  }
  for (const double least : {-700.0, -2.0, -1e-3, -1e-300}) {
    CHECK(worst_expm1(least, 300007) < 2);
    CHECK(worst_tanh(least, 300007) < 3);
  }
}
TEST_CASE("exponential: the ends of its range") {
  check_ends<float>();
  check_ends<double>();
  CHECK(exp_of_negative(-87.3365F) > 0);
  CHECK(exp_of_negative(-87.3366F) == 0);
  static_assert(exp_of_negative(0.0) == 1.0 && expm1_of_negative(0.0) == 0.0 && localis::math::tanh(0.0) == 0.0);
}
TEST_CASE("exponential: three units in the last place of x^p, and two more for each unit of its logarithm, at most") {
  for (const float exponent : {0.5F, 0.7F, 1.0F, 1.4F, 3.5F, -0.43F}) {
    CHECK(worst_power(exponent, 1e-3F, 100003) < 1);
    CHECK(worst_power(exponent, 20.0F, 300007) < 1);
  }
  for (const double exponent : {0.5, 0.7, 1.0, 1.4, 3.5, -0.43}) {
    CHECK(worst_power(exponent, 1e-3, 100003) < 1);
    CHECK(worst_power(exponent, 200.0, 300007) < 1);
  }
}
TEST_CASE("exponential: the ends of x^p") {
  check_ends_of_power<float>();
  check_ends_of_power<double>();
  static_assert(power_of_positive(1.0, 0.5) == 1.0);
}
