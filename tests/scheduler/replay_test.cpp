#include <vector>

#include "support/promises.hpp"
#include <doctest/doctest.h>

#include <localis/scheduler/replay.hpp>

using localis::scheduler::replay;

namespace {

constexpr localis::schedule_limits limits{.stages = 4, .highest = 3, .epochs = 6, .steps_per_epoch = 2};

}  // namespace

TEST_CASE("replay: one boundary per epoch, the last one held") {
  replay s{.boundaries = {0, 2, 1, 3}};
  s.start(limits);
  std::vector<std::size_t> seen;
  std::vector<std::size_t> lowest;
  for (std::size_t epoch = 0; epoch < 6; ++epoch) {
    seen.push_back(s.boundary(epoch, 1));
    lowest.push_back(s.lowest_boundary(epoch));
  }
  CHECK(seen == std::vector<std::size_t>{0, 2, 1, 3, 3, 3});
  CHECK(lowest == std::vector<std::size_t>{0, 1, 1, 3, 3, 3});
  const replay copy = s;
  CHECK(copy == s);
}

TEST_CASE("replay: bad lists") {
  CHECK_THROWS_WITH_AS((replay{}.start(limits)),
                       "scheduler::replay.boundaries: expected at least one boundary, found none",
                       localis::config_error);
  CHECK_THROWS_WITH_AS(
      (replay{.boundaries = {0, 4}}.start(limits)),
      "scheduler::replay.boundaries[1]: expected at most 3, the highest boundary of this network (4 stages), found 4",
      localis::config_error);
}

TEST_CASE("replay: keeps what it promises about its boundaries") {
  CHECK(localis_test::check_promises(replay{{0, 3, 1, 4, 2}}) == 4);
  CHECK(localis::scheduler::highest_boundary(replay{{0, 3, 1}}, 0, localis_test::promise_limits.highest) == 0);
}
