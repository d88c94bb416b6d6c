#include <initializer_list>
#include <limits>

#include <doctest/doctest.h>

#include <localis/core/finite.hpp>

TEST_CASE_TEMPLATE("is_finite and is_nan: every kind of number", T, float, double) {
  using limits = std::numeric_limits<T>;
  for (const T value : {T(0), T(-0.0), T(1), limits::denorm_min(), (limits::max)(), limits::lowest()}) {
    CHECK(localis::is_finite(value));
    CHECK(!localis::is_nan(value));
  }
  for (const T value : {limits::infinity(), -limits::infinity()}) {
    CHECK(!localis::is_finite(value));
    CHECK(!localis::is_nan(value));
  }
  for (const T value : {limits::quiet_NaN(), -limits::quiet_NaN(), limits::signaling_NaN()}) {
    CHECK(!localis::is_finite(value));
    CHECK(localis::is_nan(value));
  }
  static_assert(localis::is_finite(T(2)) && localis::is_nan(limits::quiet_NaN()));
}
