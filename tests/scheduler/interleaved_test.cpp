#include <limits>
#include <type_traits>
#include <vector>

#include "support/promises.hpp"
#include <doctest/doctest.h>

#include <localis/scheduler/dynamic.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/scheduler/freeze_out.hpp>
#include <localis/scheduler/interleaved.hpp>
#include <localis/scheduler/linear.hpp>
#include <localis/scheduler/retreat_on_loss.hpp>

namespace ls = localis::scheduler;

namespace {

constexpr localis::schedule_limits limits{.stages = 4, .highest = 3, .epochs = 3, .steps_per_epoch = 5};

}  // namespace

TEST_CASE("interleaved: the 4th, 8th, 12th step of the run trains the whole network") {
  ls::interleaved<ls::fixed> s{.base = {.stage = 2}, .every = 4, .rate_scale = 3};
  s.start(limits);
  std::vector<std::size_t> seen;
  for (std::size_t epoch = 0; epoch < 3; ++epoch) {
    for (std::size_t step = 0; step < 5; ++step) seen.push_back(s.boundary(epoch, step));
  }
  CHECK(seen == std::vector<std::size_t>{2, 2, 2, 0, 2, /**/ 2, 2, 0, 2, 2, /**/ 2, 0, 2, 2, 2});
  CHECK(ls::base_boundary(s, 0, 3) == 2);
  CHECK(ls::lowest_boundary(s, 0) == 0);
}

TEST_CASE("interleaved: the rate scale is for the prefix, in steps that train the whole network") {
  ls::interleaved<ls::fixed> s{.base = {.stage = 2}, .every = 4, .rate_scale = 3};
  s.start(limits);
  const auto scales = [&](std::size_t step) {
    return std::vector<double>{s.gradient_scale(0, step, 0), s.gradient_scale(0, step, 1), s.gradient_scale(0, step, 2),
                               s.gradient_scale(0, step, 3)};
  };
  CHECK(scales(2) == std::vector<double>{1, 1, 1, 1});
  CHECK(scales(3) == std::vector<double>{3, 3, 1, 1});

  ls::interleaved beyond{[](std::size_t) { return 99; }, 4, 3.0};  // the last stage is no prefix
  beyond.start(limits);
  CHECK(beyond.gradient_scale(0, 3, 2) == 3.0);
  CHECK(beyond.gradient_scale(0, 3, 3) == 1.0);

  ls::interleaved<ls::interleaved<ls::fixed>> twice{.base = {.base = {.stage = 1}, .every = 2, .rate_scale = 5},
                                                    .every = 4};
  twice.start(limits);  // what the base says of a stage's rate is kept
  CHECK(twice.gradient_scale(0, 1, 0) == 5.0);
  CHECK(twice.gradient_scale(0, 3, 0) == 15.0);
}

TEST_CASE("interleaved: the base is started and observes") {
  ls::interleaved<ls::dynamic> s{.base = {.alpha = 1, .warm_up = 0, .first = 1}, .every = 2};
  s.start(limits);
  CHECK(s.boundary(0, 0) == 1);
  s.observe({.epoch = 0, .update_norm = 1});
  s.observe({.epoch = 1, .update_norm = 1});
  CHECK(s.base_boundary(2, 1) == 2);
  CHECK(s.boundary(2, 0) == 2);  // step 11 of the run
  CHECK(s.boundary(2, 1) == 0);  // step 12
  const auto copy = s;
  s.observe({.epoch = 2, .update_norm = 1});
  CHECK(copy != s);
}

TEST_CASE("interleaved: the base's type follows from the first argument") {
  const ls::interleaved s{ls::fixed{.stage = 1}, 3, 2.0};
  static_assert(std::is_same_v<decltype(s), const ls::interleaved<ls::fixed>>);
  CHECK(s.every == 3);
}

TEST_CASE("interleaved: bad parameters, its own and its base's") {
  using of_fixed = ls::interleaved<ls::fixed>;
  CHECK_THROWS_WITH_AS((of_fixed{.every = 1}.start(limits)),
                       "scheduler::interleaved.every: expected at least 2 steps, found 1", localis::config_error);
  CHECK_THROWS_WITH_AS((of_fixed{.rate_scale = -1}.start(limits)),
                       "scheduler::interleaved.rate_scale: expected a finite number of at least 0, found -1",
                       localis::config_error);
  CHECK_THROWS_AS((of_fixed{.rate_scale = std::numeric_limits<double>::infinity()}.start(limits)),
                  localis::config_error);
  CHECK_THROWS_WITH_AS(
      (of_fixed{.base = {.stage = 4}}.start(limits)),
      "scheduler::fixed.stage: expected at most 3, the highest boundary of this network (4 stages), found 4",
      localis::config_error);
}

TEST_CASE("interleaved: keeps what it promises about its boundaries") {
  CHECK(localis_test::check_promises(ls::interleaved{ls::retreat_on_loss{ls::freeze_out{}, 1.1, 2U}, 4, 3.0}) == 5);
  CHECK(localis_test::check_promises(ls::interleaved{ls::linear{}, 4, 3.0}) == 5);
  CHECK(localis_test::check_promises(ls::interleaved{ls::fixed{3}, 4, 3.0}) == 3);
  CHECK(ls::highest_boundary(ls::interleaved{ls::fixed{3}, 4, 3.0}, 0, localis_test::promise_limits.highest) == 3);
}
