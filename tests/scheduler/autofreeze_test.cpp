#include <limits>
#include <string>
#include <vector>

#include "support/promises.hpp"
#include <doctest/doctest.h>

#include <localis/scheduler/autofreeze.hpp>

using localis::scheduler::autofreeze;

namespace {

using values = std::vector<double>;
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr localis::schedule_limits limits{.stages = 5, .highest = 4, .epochs = 10, .steps_per_epoch = 3};

/// T after each epoch, whose norms are given by stage.
std::vector<std::size_t> run(autofreeze& s, const std::vector<values>& epochs) {
  s.start(limits);
  std::vector<std::size_t> seen;
  for (const values& norms : epochs) {
    localis::epoch_observation what;
    what.stage_update_norms = norms;
    s.observe(what);
    CHECK(s.lowest_boundary(0) == s.boundary(0, 0));
    CHECK(s.highest_boundary(0) == s.boundary(0, 0));
    seen.push_back(s.boundary(0, 0));
  }
  return seen;
}

using boundaries = std::vector<std::size_t>;

}  // namespace

TEST_CASE("autofreeze: past the leading stages below the median change") {
  autofreeze s;
  // epoch 1: eta = 0.1, 0.2, 0.5, 0.3, 0.4; the median is 0.3: stages 0 and 1 are below, stage 2 stops
  // epoch 2: T = 2; eta of 2, 3, 4 = 0.2, 0.5, 0.5; the median is 0.5: stage 2 is below, 3 is not
  // epoch 3: T = 3; eta of 3, 4 = 0.1, 0.9; the median is 0.5
  CHECK(run(s, {{10, 10, 10, 10, 10}, {9, 12, 5, 13, 6}, {9, 12, 6, 6.5, 3}, {9, 12, 6, 7.15, 0.3}}) ==
        boundaries{0, 2, 3, 4});
}

TEST_CASE("autofreeze: stages below T have no say") {
  autofreeze s;
  // epoch 2: with stages 0 and 1, whose eta is 0, the median would be 0.2 and stage 2 would stay
  CHECK(run(s, {{10, 10, 10, 10, 10}, {9, 12, 5, 13, 6}, {9, 12, 6, 19.5, 9}}) == boundaries{0, 2, 3});
}

TEST_CASE("autofreeze: changes are relative to the epoch before") {
  autofreeze s;
  // eta = 0.1, 0.5, 1, 1, 1, though stage 0 changes by as much as the last ones
  CHECK(run(s, {{100, 1, 10, 10, 10}, {110, 1.5, 20, 20, 20}}) == boundaries{0, 2});
}

TEST_CASE("autofreeze: a candidate behind a stage that changes is not reached") {
  autofreeze s;
  CHECK(run(s, {{10, 10, 10, 10, 10}, {5, 10, 10, 10, 10}}) == boundaries{0, 0});
}

TEST_CASE("autofreeze: percentiles interpolate, and 0 never moves, 100 spares the most changed") {
  // eta = 0.1, 0.2, 0.3, 0.4, 0.5 by stage; the 30th percentile lies at place 1.2: 0.22
  const std::vector<values> seen{{10, 10, 10, 10, 10}, {11, 12, 13, 14, 15}};
  autofreeze thirty{.percentile = 30};
  CHECK(run(thirty, seen) == boundaries{0, 2});
  autofreeze twenty{.percentile = 20};  // 0.18
  CHECK(run(twenty, seen) == boundaries{0, 1});
  autofreeze zero{.percentile = 0};
  CHECK(run(zero, seen) == boundaries{0, 0});
  autofreeze hundred{.percentile = 100};
  CHECK(run(hundred, seen) == boundaries{0, 4});
}

TEST_CASE("autofreeze: the boundary stops at the highest one") {
  autofreeze s{.percentile = 100};
  s.start({.stages = 5, .highest = 2, .epochs = 10, .steps_per_epoch = 3});
  localis::epoch_observation what;
  what.stage_update_norms = {10, 10, 10, 10, 10};
  s.observe(what);
  what.stage_update_norms = {11, 12, 13, 14, 15};
  s.observe(what);
  CHECK(s.boundary(0, 0) == 2);
}

TEST_CASE("autofreeze: changes that are no number") {
  autofreeze s{.percentile = 90};
  // stage 1 took no step in epoch 1, from epoch 2 on it is known again
  CHECK(run(s, {{10, 10, 10, 10, 10}, {10, not_a_number, 10, 10, 20}, {10, 10, 10, 10, 40}, {10, 10, 10, 10, 80}}) ==
        boundaries{0, 1, 1, 4});
  // no update in either epoch is no change; from none to some is no number
  autofreeze zeros{.percentile = 90};
  CHECK(run(zeros, {{0, 0, 1, 1, 1}, {0, 1, 1, 1, 2}}) == boundaries{0, 1});
  autofreeze unknown;
  CHECK(run(unknown, {{not_a_number, not_a_number, not_a_number, not_a_number, not_a_number}, {1, 1, 1, 1, 1}}) ==
        boundaries{0, 0});
}

TEST_CASE("autofreeze: start() begins anew, a copied state goes on") {
  autofreeze s{.percentile = 100};
  run(s, {{10, 10, 10, 10, 10}, {11, 12, 13, 14, 15}});
  autofreeze resumed{.percentile = 100};
  resumed.start(limits);
  resumed.state = s.state;
  CHECK(resumed == s);
  CHECK(resumed.boundary(0, 0) == 4);
  s.start(limits);
  CHECK(s.boundary(0, 0) == 0);
  CHECK(s.state.norms.empty());
}

TEST_CASE("autofreeze: bad parameters and bad observations") {
  CHECK_THROWS_WITH_AS((autofreeze{.percentile = -1}.start(limits)),
                       "scheduler::autofreeze.percentile: expected percent in [0, 100], found -1",
                       localis::config_error);
  CHECK_THROWS_WITH_AS((autofreeze{.percentile = not_a_number}.start(limits)),
                       "scheduler::autofreeze.percentile: expected percent in [0, 100], found nan",
                       localis::config_error);
  autofreeze s;
  s.start(limits);
  CHECK_THROWS_WITH_AS(s.observe({}),
                       "scheduler::autofreeze: stage_update_norms: expected one for each of the 5 stages, found 0",
                       localis::config_error);
}

TEST_CASE("autofreeze: keeps what it promises about its boundaries") {
  CHECK(localis_test::check_promises(autofreeze{}) >= 3);
}
