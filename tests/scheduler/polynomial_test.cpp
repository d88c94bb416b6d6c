#include <limits>
#include <vector>

#include "support/promises.hpp"
#include <doctest/doctest.h>

#include <localis/scheduler/polynomial.hpp>

using localis::scheduler::polynomial;

namespace {

constexpr localis::schedule_limits limits{.stages = 6, .highest = 4, .epochs = 5, .steps_per_epoch = 3};

std::vector<std::size_t> first_epochs(const polynomial& s, std::size_t count) {
  std::vector<std::size_t> seen;
  for (std::size_t epoch = 0; epoch < count; ++epoch) seen.push_back(s.boundary(epoch, 0));
  return seen;
}

}  // namespace

TEST_CASE("polynomial: a square, late and then fast") {
  polynomial s{.power = 2};
  s.start(limits);
  // 4 (e/4)^2 = e^2 / 4: 0, 0.25, 1, 2.25, 4
  CHECK(first_epochs(s, 6) == std::vector<std::size_t>{0, 0, 1, 2, 4, 4});
  CHECK(s.lowest_boundary(3) == 2);
}

TEST_CASE("polynomial: a root, at once and then slowly") {
  polynomial s{.power = 0.5, .begin = 1, .end = 10, .first = 1, .last = 4};
  s.start(limits);
  // 1 + 3 sqrt((e - 1) / 9) = 1 + sqrt(e - 1): 1, 1, 2, 2.41, 2.73, 3, 3.24, 3.45, 3.65, 3.83, 4
  CHECK(first_epochs(s, 11) == std::vector<std::size_t>{1, 1, 2, 2, 2, 3, 3, 3, 3, 3, 4});
}

TEST_CASE("polynomial: bad parameters") {
  CHECK_THROWS_WITH_AS((polynomial{.power = 0}.start(limits)),
                       "scheduler::polynomial.power: expected a finite number above 0, found 0", localis::config_error);
  CHECK_THROWS_WITH_AS((polynomial{.power = std::numeric_limits<double>::infinity()}.start(limits)),
                       "scheduler::polynomial.power: expected a finite number above 0, found inf",
                       localis::config_error);
  CHECK_THROWS_WITH_AS(
      (polynomial{.last = 9}.start(limits)),
      "scheduler::polynomial.last: expected at most 4, the highest boundary of this network (6 stages), found 9",
      localis::config_error);
  CHECK_THROWS_WITH_AS((polynomial{.first = 2, .last = 1}.start(limits)),
                       "scheduler::polynomial.first: expected at most 1, the last boundary of the schedule, found 2",
                       localis::config_error);
  CHECK_THROWS_WITH_AS(
      (polynomial{.begin = 2, .end = 1}.start(limits)),
      "scheduler::polynomial.end: expected at least epoch 2, where the boundary begins to move, found 1",
      localis::config_error);
}

TEST_CASE("polynomial: keeps what it promises about its boundaries") {
  CHECK(localis_test::check_promises(polynomial{}) == 5);
}
