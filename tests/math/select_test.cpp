#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include <doctest/doctest.h>

#include <localis/math/select.hpp>

using localis::math::select;

TEST_CASE("select: one of two values, bit by bit, whatever the other is") {
  static_assert(select(true, 1.5F, -2.0F) == 1.5F && select(false, 1.5F, -2.0F) == -2.0F);
  static_assert(select(true, 1.5, -2.0) == 1.5 && select(false, 1.5, -2.0) == -2.0);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(select(true, 3.0, nan) == 3.0);
  CHECK(select(false, infinity, 3.0) == 3.0);
  CHECK(std::isnan(select(false, 3.0, nan)));
  CHECK(std::bit_cast<std::uint64_t>(select(true, -0.0, nan)) == std::bit_cast<std::uint64_t>(-0.0));
}
