#include <limits>
#include <vector>

#include "support/promises.hpp"
#include <doctest/doctest.h>

#include <localis/scheduler/dynamic.hpp>

using localis::scheduler::dynamic;

namespace {

constexpr localis::schedule_limits limits{.stages = 4, .highest = 3, .epochs = 20, .steps_per_epoch = 5};

/// T of each epoch, the last entry being T after all of them.
std::vector<std::size_t> run(dynamic& s, const std::vector<double>& norms) {
  s.start(limits);
  std::vector<std::size_t> seen{s.boundary(0, 0)};
  for (std::size_t epoch = 0; epoch < norms.size(); ++epoch) {
    s.observe({.epoch = epoch, .boundary = s.boundary(epoch, 0), .update_norm = norms[epoch]});
    CHECK(s.lowest_boundary(epoch + 1) == s.boundary(epoch + 1, 0));
    seen.push_back(s.boundary(epoch + 1, 0));
  }
  return seen;
}

using boundaries = std::vector<std::size_t>;

}  // namespace

TEST_CASE("dynamic: moves once the norm falls to alpha times the mean of earlier epochs at this T") {
  dynamic s{.alpha = 0.5, .window = 3, .patience = 1, .warm_up = 0};
  // E  d       n  m      move
  // 0  8       1  -      no: one epoch has no earlier one
  // 1  5       2  8      no: 5 > 4
  // 2  3       3  6.5    yes: 3 <= 3.25
  // 3  1       1  -      no: the mean starts anew
  // 4  0.75    2  1      no: 0.75 > 0.5
  // 5  0.4375  3  0.875  yes: 0.4375 <= 0.4375
  // 6  9       1  -      no
  // 7  9       2  9      no: 9 > 4.5
  CHECK(run(s, {8, 5, 3, 1, 0.75, 0.4375, 9, 9}) == boundaries{0, 0, 0, 1, 1, 1, 2, 2, 2});
}

TEST_CASE("dynamic: the window forgets, oldest first") {
  // E  d   window 2: m         window 3: m
  // 0  100
  // 1  90  100: 90 > 50        same
  // 2  80  95:  80 > 47.5      same
  // 3  43  85:  43 > 42.5      (100+90+80)/3 = 90: 43 <= 45, moves
  dynamic narrow{.alpha = 0.5, .window = 2, .warm_up = 0};
  CHECK(run(narrow, {100, 90, 80, 43}) == boundaries{0, 0, 0, 0, 0});
  CHECK(narrow.state.norms == std::vector<double>{80, 43});
  dynamic wide{.alpha = 0.5, .window = 3, .warm_up = 0};
  CHECK(run(wide, {100, 90, 80, 43}) == boundaries{0, 0, 0, 0, 1});
}

TEST_CASE("dynamic: more than max(patience, 1) epochs must have passed at this T") {
  dynamic eager{.alpha = 1, .patience = 0, .warm_up = 0};
  CHECK(run(eager, {1, 1, 1, 1, 1}) == boundaries{0, 0, 1, 1, 2, 2});  // as patience 1: after two epochs each
  dynamic one{.alpha = 1, .patience = 1, .warm_up = 0};
  CHECK(run(one, {1, 1, 1, 1, 1}) == boundaries{0, 0, 1, 1, 2, 2});
  dynamic patient{.alpha = 1, .patience = 3, .warm_up = 0};
  CHECK(run(patient, {1, 1, 1, 1, 1, 1, 1, 1}) == boundaries{0, 0, 0, 0, 1, 1, 1, 1, 2});  // after four each
}

TEST_CASE("dynamic: never after an epoch of the warm-up, which counts all the same") {
  dynamic s{.alpha = 1, .patience = 1, .warm_up = 3};
  // epochs 0, 1, 2 warm up; epoch 3 is the fourth at T = 0 and may move
  CHECK(run(s, {1, 1, 1, 1, 1, 1}) == boundaries{0, 0, 0, 0, 1, 1, 2});
}

TEST_CASE("dynamic: starts at `first`, moves by `shift`, stops at the highest boundary") {
  dynamic s{.alpha = 1, .warm_up = 0, .shift = 2, .first = 0};
  CHECK(run(s, {1, 1, 1, 1, 1, 1}) == boundaries{0, 0, 2, 2, 3, 3, 3});
  dynamic late{.alpha = 1, .warm_up = 0, .shift = std::numeric_limits<std::size_t>::max(), .first = 1};
  CHECK(run(late, {1, 1}) == boundaries{1, 1, 3});
}

TEST_CASE("dynamic: an epoch without a finite norm counts for nothing") {
  dynamic s{.alpha = 1, .warm_up = 0};
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(run(s, {1, nan, infinity, 1}) == boundaries{0, 0, 0, 0, 1});
}

TEST_CASE("dynamic: a copy goes on where the original stood, and start() begins anew") {
  dynamic s{.alpha = 0.5, .warm_up = 0};
  run(s, {8, 5});
  dynamic copy = s;
  CHECK(copy == s);
  copy.observe({.epoch = 2, .update_norm = 3});
  CHECK(copy.boundary(3, 0) == 1);
  CHECK(s.boundary(3, 0) == 0);
  CHECK(copy != s);
  copy.start(limits);
  CHECK(copy.boundary(0, 0) == 0);
  CHECK(copy.state.epochs == 0);
  CHECK(copy.state.norms.empty());

  dynamic resumed{.alpha = 0.5, .warm_up = 0};
  resumed.start(limits);
  resumed.state = s.state;
  CHECK(resumed == s);
}

TEST_CASE("dynamic: bad parameters") {
  CHECK_THROWS_WITH_AS((dynamic{.alpha = -0.5}.start(limits)),
                       "scheduler::dynamic.alpha: expected a finite number above 0, found -0.5", localis::config_error);
  CHECK_THROWS_AS((dynamic{.alpha = std::numeric_limits<double>::quiet_NaN()}.start(limits)), localis::config_error);
  CHECK_THROWS_WITH_AS((dynamic{.window = 0}.start(limits)),
                       "scheduler::dynamic.window: expected at least 1 epoch, found 0", localis::config_error);
  CHECK_THROWS_WITH_AS((dynamic{.shift = 0}.start(limits)),
                       "scheduler::dynamic.shift: expected at least 1 stage, found 0", localis::config_error);
  CHECK_THROWS_WITH_AS(
      (dynamic{.first = 4}.start(limits)),
      "scheduler::dynamic.first: expected at most 3, the highest boundary of this network (4 stages), found 4",
      localis::config_error);
}

TEST_CASE("dynamic: keeps what it promises about its boundaries") {
  CHECK(localis_test::check_promises(dynamic{}) == 5);
}
