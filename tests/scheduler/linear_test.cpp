#include <vector>

#include "support/promises.hpp"
#include <doctest/doctest.h>

#include <localis/scheduler/linear.hpp>

using localis::scheduler::linear;

namespace {

constexpr localis::schedule_limits limits{.stages = 6, .highest = 4, .epochs = 10, .steps_per_epoch = 3};

std::vector<std::size_t> first_epochs(const linear& s, std::size_t count) {
  std::vector<std::size_t> seen;
  for (std::size_t epoch = 0; epoch < count; ++epoch) seen.push_back(s.boundary(epoch, 2));
  return seen;
}

}  // namespace

TEST_CASE("linear: from 1 at epoch 2 to 4 at epoch 8") {
  linear s{.begin = 2, .end = 8, .first = 1, .last = 4};
  s.start(limits);
  // epoch                            0  1  2  3    4  5    6  7    8  9
  // value                            1  1  1  1.5  2  2.5  3  3.5  4  4
  CHECK(first_epochs(s, 10) == std::vector<std::size_t>{1, 1, 1, 1, 2, 2, 3, 3, 4, 4});
  CHECK(s.lowest_boundary(5) == 2);
  CHECK(s.value(3) == doctest::Approx(1.5));
}

TEST_CASE("linear: left alone it ends at the highest boundary in the last epoch") {
  linear s;
  s.start(limits);
  // 4 e / 9: 0, 0.44, 0.89, 1.33, 1.78, 2.22, 2.67, 3.11, 3.56, 4
  CHECK(first_epochs(s, 10) == std::vector<std::size_t>{0, 0, 0, 1, 1, 2, 2, 3, 3, 4});
}

TEST_CASE("linear: a run that is over before `begin` never moves") {
  linear s{.begin = 12};
  s.start(limits);
  CHECK(first_epochs(s, 10) == std::vector<std::size_t>(10, 0));
}

TEST_CASE("linear: begin = end is a jump") {
  linear s{.begin = 2, .end = 2, .last = 3};
  s.start(limits);
  CHECK(first_epochs(s, 4) == std::vector<std::size_t>{0, 0, 3, 3});
}

TEST_CASE("linear: bad parameters") {
  CHECK_THROWS_WITH_AS(
      (linear{.last = 5}.start(limits)),
      "scheduler::linear.last: expected at most 4, the highest boundary of this network (6 stages), found 5",
      localis::config_error);
  CHECK_THROWS_WITH_AS((linear{.first = 3, .last = 2}.start(limits)),
                       "scheduler::linear.first: expected at most 2, the last boundary of the schedule, found 3",
                       localis::config_error);
  CHECK_THROWS_WITH_AS((linear{.first = 5}.start(limits)),
                       "scheduler::linear.first: expected at most 4, the last boundary of the schedule, found 5",
                       localis::config_error);
  CHECK_THROWS_WITH_AS((linear{.begin = 4, .end = 3}.start(limits)),
                       "scheduler::linear.end: expected at least epoch 4, where the boundary begins to move, found 3",
                       localis::config_error);
}

TEST_CASE("linear: a copy carries its state") {
  linear s{.begin = 1, .end = 5};
  const linear fresh = s;
  s.start(limits);
  const linear copy = s;
  CHECK(copy == s);
  CHECK(copy != fresh);
  CHECK(copy.boundary(5, 0) == 4);
}

TEST_CASE("linear: keeps what it promises about its boundaries") { CHECK(localis_test::check_promises(linear{}) == 5); }
