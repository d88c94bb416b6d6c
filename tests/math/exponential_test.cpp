#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include <localis/math/exponential.hpp>

using localis::math::exp_of_negative;

namespace {

/// Largest deviation from std::exp in long double, in units in the last place of the result.
template <class T>
double worst(T least, int steps) {
  double most = 0;
  for (int i = 0; i <= steps; ++i) {
    const T x = least * static_cast<T>(i) / static_cast<T>(steps);
    const long double exact = std::exp(static_cast<long double>(x));
    const T rounded = static_cast<T>(exact);
    const auto unit = static_cast<long double>(rounded - std::nextafter(rounded, T(0)));
    const auto off = static_cast<double>(std::abs(static_cast<long double>(exp_of_negative(x)) - exact) / unit);
    most = off <= most ? most : off;  // NaN too
  }
  return most;
}

template <class T>
void check_ends() {
  CHECK(exp_of_negative(T(0)) == T(1));
  CHECK(exp_of_negative(-T(0)) == T(1));
  CHECK(exp_of_negative(-std::numeric_limits<T>::infinity()) == T(0));
  CHECK(exp_of_negative(-std::numeric_limits<T>::max()) == T(0));
  CHECK(std::isnan(exp_of_negative(std::numeric_limits<T>::quiet_NaN())));
}

}  // namespace

TEST_CASE("exponential: two units in the last place of e^x at most, from 0 down to the smallest normal number") {
  CHECK(worst<float>(-87.33F, 1000003) < 2);
  CHECK(worst<double>(-708.39, 1000003) < 2);
  CHECK(worst<double>(-1.0, 100003) < 2);
}
TEST_CASE("exponential: the ends of its range") {
  check_ends<float>();
  check_ends<double>();
  CHECK(exp_of_negative(-87.3365F) > 0);
  CHECK(exp_of_negative(-87.3366F) == 0);
  static_assert(exp_of_negative(0.0) == 1.0);
}
