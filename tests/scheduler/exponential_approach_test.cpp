#include <cmath>
#include <limits>
#include <vector>

#include "support/promises.hpp"
#include <doctest/doctest.h>

#include <localis/scheduler/exponential_approach.hpp>

using localis::scheduler::exponential_approach;

namespace {

constexpr localis::schedule_limits limits{.stages = 8, .highest = 7, .epochs = 6, .steps_per_epoch = 3};
const double half_per_epoch = 1 / std::log(2.0);

std::vector<std::size_t> first_epochs(const exponential_approach& s, std::size_t count) {
  std::vector<std::size_t> seen;
  for (std::size_t epoch = 0; epoch < count; ++epoch) seen.push_back(s.boundary(epoch, 0));
  return seen;
}

}  // namespace

TEST_CASE("exponential_approach: half of what is left, every epoch") {
  exponential_approach s{.tau = half_per_epoch, .begin = 1};
  s.start(limits);
  // the asymptote is 7 + 1 = 8; 8 (1 - 2^-(e-1)): 0, 0, 4, 6, 7, 7.5, ... and 7 is the highest allowed
  CHECK(first_epochs(s, 6) == std::vector<std::size_t>{0, 0, 4, 6, 7, 7});
  CHECK(s.boundary(1000, 0) == 7);
  CHECK(s.lowest_boundary(3) == 6);
}

TEST_CASE("exponential_approach: an own asymptote is approached, or clamped where it lies beyond the network") {
  exponential_approach s{.tau = half_per_epoch, .last = 4};
  s.start(limits);
  // 4 (1 - 2^-e): 0, 2, 3, 3.5, 3.75
  CHECK(first_epochs(s, 5) == std::vector<std::size_t>{0, 2, 3, 3, 3});

  exponential_approach beyond{.tau = half_per_epoch, .last = 16};
  beyond.start(limits);
  // 16 (1 - 2^-e): 0, 8, 12
  CHECK(first_epochs(beyond, 3) == std::vector<std::size_t>{0, 7, 7});
}

TEST_CASE("exponential_approach: bad parameters") {
  CHECK_THROWS_WITH_AS((exponential_approach{.tau = 0}.start(limits)),
                       "scheduler::exponential_approach.tau: expected a finite number of epochs above 0, found 0",
                       localis::config_error);
  CHECK_THROWS_AS((exponential_approach{.tau = std::numeric_limits<double>::quiet_NaN()}.start(limits)),
                  localis::config_error);
}

TEST_CASE("exponential_approach: keeps what it promises about its boundaries") {
  CHECK(localis_test::check_promises(exponential_approach{}) == 5);
}
