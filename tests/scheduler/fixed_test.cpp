#include "support/promises.hpp"
#include <doctest/doctest.h>

#include <localis/scheduler/fixed.hpp>

using localis::scheduler::fixed;

TEST_CASE("fixed: one boundary, promised for good") {
  fixed s{.stage = 2};
  s.start({.stages = 4, .highest = 2, .epochs = 3, .steps_per_epoch = 5});
  CHECK(s.boundary(0, 0) == 2);
  CHECK(s.boundary(2, 4) == 2);
  CHECK(s.lowest_boundary(0) == 2);
  CHECK(s != fixed{});
}

TEST_CASE("fixed: a boundary beyond the last stage") {
  CHECK_THROWS_WITH_AS(
      (fixed{.stage = 3}.start({.stages = 4, .highest = 2, .epochs = 3, .steps_per_epoch = 5})),
      "scheduler::fixed.stage: expected at most 2, the highest boundary of this network (4 stages), found 3",
      localis::config_error);
}

TEST_CASE("fixed: keeps what it promises about its boundaries") {
  CHECK(localis_test::check_promises(fixed{2}) == 2);
  CHECK(localis::scheduler::highest_boundary(fixed{2}, 0, localis_test::promise_limits.highest) == 2);
}
