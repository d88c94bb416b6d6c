#include <cstddef>
#include <limits>
#include <type_traits>

#include "support/promises.hpp"
#include <doctest/doctest.h>

#include <localis/scheduler/any.hpp>
#include <localis/scheduler/dynamic.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/scheduler/freeze_out.hpp>
#include <localis/scheduler/interleaved.hpp>
#include <localis/scheduler/linear.hpp>
#include <localis/scheduler/part_batch.hpp>

namespace ls = localis::scheduler;

namespace {

constexpr localis::schedule_limits limits{.stages = 4, .highest = 3, .epochs = 3, .steps_per_epoch = 5};

}  // namespace

TEST_CASE("part_batch: the boundary is the base's, and below it a fraction of the batch is differentiated") {
  ls::part_batch s{ls::fixed{2}, 0.25};
  static_assert(std::is_same_v<decltype(s), ls::part_batch<ls::fixed>>);
  s.start(limits);
  CHECK(s.boundary(0, 0) == 2);
  CHECK(ls::base_boundary(s, 0, 0) == 2);
  CHECK(ls::lowest_boundary(s, 0) == 2);
  CHECK(ls::highest_boundary(s, 0, 3) == 2);
  CHECK(ls::differentiated(s, 0).fraction == 0.25);
  CHECK(ls::differentiated(ls::fixed{2}, 0).fraction == 0.0);

  CHECK_FALSE(ls::differentiated(s, 0).largest_losses);
  CHECK(ls::differentiated(ls::part_batch{ls::fixed{2}, 0.25, true}, 0) ==
        localis::differentiated_part{.fraction = 0.25, .largest_losses = true});

  ls::part_batch of_time{[](std::size_t epoch) { return epoch; }, 0.5};  // promises nothing
  of_time.start(limits);
  CHECK(ls::lowest_boundary(of_time, 2) == 0);
  CHECK(ls::highest_boundary(of_time, 2, 9) == 3);
}

TEST_CASE("part_batch: a fraction of 1 is gradient descent") {
  ls::part_batch s{ls::fixed{2}, 1.0};
  s.start(limits);
  CHECK(s.boundary(0, 0) == 0);
  CHECK(ls::base_boundary(s, 0, 0) == 0);
  CHECK(ls::lowest_boundary(s, 0) == 0);
  CHECK(ls::highest_boundary(s, 0, 3) == 0);
  CHECK(ls::differentiated(s, 0).fraction == 0.0);
}

TEST_CASE("part_batch: the base is started, observes, and scales rates") {
  ls::part_batch s{ls::dynamic{.alpha = 1, .warm_up = 0, .first = 1}, 0.5};
  s.start(limits);
  CHECK(s.boundary(0, 0) == 1);
  s.observe({.epoch = 0, .update_norm = 1});
  s.observe({.epoch = 1, .update_norm = 1});
  CHECK(s.boundary(2, 1) == 2);
  const auto copy = s;
  s.observe({.epoch = 2, .update_norm = 1});
  CHECK(copy != s);
  ls::part_batch scaled{ls::interleaved{ls::fixed{2}, 2, 3.0}, 0.5};
  scaled.start(limits);
  CHECK(scaled.gradient_scale(0, 1, 0) == 3.0);
  CHECK(scaled.boundary(0, 1) == 0);
}

TEST_CASE("part_batch: other schedulers pass its fraction on") {
  ls::interleaved outside{ls::part_batch{ls::fixed{2}, 0.5}, 4, 1.0};
  outside.start(limits);
  CHECK(outside.boundary(0, 2) == 2);
  CHECK(outside.boundary(0, 3) == 0);
  CHECK(ls::differentiated(outside, 0).fraction == 0.5);
  CHECK(ls::differentiated(ls::interleaved{ls::fixed{2}, 4, 1.0}, 0).fraction == 0.0);
  CHECK(ls::differentiated(ls::any(ls::part_batch{ls::fixed{2}, 0.5}), 0).fraction == 0.5);
  CHECK(ls::differentiated(ls::any(ls::fixed{2}), 0).fraction == 0.0);
}

TEST_CASE("part_batch: bad parameters, its own and its base's") {
  using of_fixed = ls::part_batch<ls::fixed>;
  for (const double fraction : {0.0, -0.5, 1.5, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK_THROWS_AS((of_fixed{.fraction = fraction}.start(limits)), localis::config_error);
  }
  CHECK_THROWS_WITH_AS((of_fixed{.fraction = 1.5}.start(limits)),
                       "scheduler::part_batch.fraction: expected a number in (0, 1], found 1.5", localis::config_error);
  CHECK_THROWS_WITH_AS(
      (of_fixed{.base = {.stage = 4}}.start(limits)),
      "scheduler::fixed.stage: expected at most 3, the highest boundary of this network (4 stages), found 4",
      localis::config_error);
}

TEST_CASE("part_batch: keeps what it promises about its boundaries") {
  CHECK(localis_test::check_promises(ls::part_batch{ls::freeze_out{}, 0.25}) == 5);
  CHECK(localis_test::check_promises(ls::part_batch{ls::linear{}, 0.25}) == 5);
  CHECK(localis_test::check_promises(ls::part_batch{ls::linear{}, 1.0}) == 0);
}
