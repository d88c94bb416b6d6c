#include <doctest/doctest.h>

#include <localis/scheduler/growth.hpp>

namespace ls = localis::scheduler;

TEST_CASE("growth: the whole part survives rounding") {
  REQUIRE((0.1 + 0.7) * 10 < 8.0);
  CHECK(ls::whole_boundary((0.1 + 0.7) * 10) == 8);
  CHECK(ls::whole_boundary(1.9999) == 1);
  CHECK(ls::whole_boundary(2.0) == 2);
  CHECK(ls::whole_boundary(-0.5) == 0);
  CHECK(ls::whole_boundary(1e300) == 1'000'000'000'000'000);
}
