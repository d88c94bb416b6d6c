#include <limits>
#include <vector>

#include "support/promises.hpp"
#include <doctest/doctest.h>

#include <localis/scheduler/step_schedule.hpp>

using localis::scheduler::step_schedule;

namespace {

constexpr localis::schedule_limits limits{.stages = 8, .highest = 6, .epochs = 12, .steps_per_epoch = 3};

std::vector<std::size_t> first_epochs(const step_schedule& s, std::size_t count) {
  std::vector<std::size_t> seen;
  for (std::size_t epoch = 0; epoch < count; ++epoch) seen.push_back(s.boundary(epoch, 1));
  return seen;
}

}  // namespace

TEST_CASE("step_schedule: two stages every three epochs, counted from epoch 1") {
  step_schedule s{.every = 3, .shift = 2, .begin = 1, .first = 1};
  s.start(limits);
  // moves at epochs 4 (to 3), 7 (to 5), 10 (would be 7, stops at 6)
  CHECK(first_epochs(s, 12) == std::vector<std::size_t>{1, 1, 1, 1, 3, 3, 3, 5, 5, 5, 6, 6});
  CHECK(s.lowest_boundary(9) == 5);
  CHECK(s.boundary(std::numeric_limits<std::size_t>::max(), 0) == 6);
}

TEST_CASE("step_schedule: an own last stage") {
  step_schedule s{.every = 1, .last = 2};
  s.start(limits);
  CHECK(first_epochs(s, 4) == std::vector<std::size_t>{0, 1, 2, 2});
}

TEST_CASE("step_schedule: bad parameters") {
  CHECK_THROWS_WITH_AS((step_schedule{.every = 0}.start(limits)),
                       "scheduler::step_schedule.every: expected at least 1 epoch, found 0", localis::config_error);
  CHECK_THROWS_WITH_AS((step_schedule{.shift = 0}.start(limits)),
                       "scheduler::step_schedule.shift: expected at least 1 stage, found 0", localis::config_error);
  CHECK_THROWS_WITH_AS(
      (step_schedule{.last = 7}.start(limits)),
      "scheduler::step_schedule.last: expected at most 6, the highest boundary of this network (8 stages), found 7",
      localis::config_error);
  CHECK_THROWS_WITH_AS((step_schedule{.first = 4, .last = 3}.start(limits)),
                       "scheduler::step_schedule.first: expected at most 3, the last boundary of the schedule, found 4",
                       localis::config_error);
}

TEST_CASE("step_schedule: keeps what it promises about its boundaries") {
  CHECK(localis_test::check_promises(step_schedule{.every = 2}) == 5);
}
