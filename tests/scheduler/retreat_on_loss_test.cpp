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
using ls::retreat_on_loss;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr localis::schedule_limits limits{.stages = 6, .highest = 5, .epochs = 20, .steps_per_epoch = 4};
using boundaries = std::vector<std::size_t>;

/// T of each epoch, the last entry being T after all of them; validation losses.
template <class Scheduler>
boundaries run(Scheduler& s, const std::vector<double>& losses) {
  s.start(limits);
  boundaries seen{s.boundary(0, 0)};
  for (std::size_t epoch = 0; epoch < losses.size(); ++epoch) {
    CHECK(s.boundary(epoch, 0) >= ls::lowest_boundary(s, epoch));
    CHECK(s.base_boundary(epoch, 0) == s.boundary(epoch, 0));
    s.observe({.epoch = epoch, .boundary = s.boundary(epoch, 3), .loss = 1, .validation_loss = losses[epoch]});
    seen.push_back(s.boundary(epoch + 1, 0));
  }
  return seen;
}

}  // namespace

TEST_CASE("retreat_on_loss: draws back for some epochs once the loss exceeds the best by the tolerance") {
  retreat_on_loss<ls::fixed> s{.base = {.stage = 4}, .tolerance = 1.5, .retreat = 2, .epochs = 3};
  // best 4, then 2; 3 = 1.5 * 2 is not above, 3.1 is
  CHECK(run(s, {4, 2, 3, 3.1, 9, 9, 9, 2, 2}) == boundaries{4, 4, 4, 4, 2, 2, 2, 4, 4, 4});
}

TEST_CASE(
    "retreat_on_loss: an epoch in retreat begins no other, but the one after it may, and its loss can be the best") {
  retreat_on_loss<ls::fixed> s{.base = {.stage = 4}, .tolerance = 1.5, .retreat = 1, .epochs = 2};
  CHECK(run(s, {2, 4, 9, 9, 9, 9, 9, 9}) == boundaries{4, 4, 3, 3, 4, 3, 3, 4, 3});
  // the retreat finds 1, so that 1.6 begins another
  CHECK(run(s, {2, 4, 1, 1, 1.6}) == boundaries{4, 4, 3, 3, 4, 3});
}

TEST_CASE("retreat_on_loss: the training loss where there is no validation") {
  retreat_on_loss<ls::fixed> s{.base = {.stage = 4}, .tolerance = 1.5};
  s.start(limits);
  s.observe({.epoch = 0, .loss = 1, .validation_loss = not_a_number});
  s.observe({.epoch = 1, .loss = 2, .validation_loss = not_a_number});
  CHECK(s.boundary(2, 0) == 3);
  s.start(limits);
  s.observe({.epoch = 0, .loss = 1, .validation_loss = 1});
  s.observe({.epoch = 1, .loss = 2, .validation_loss = 1});
  CHECK(s.boundary(2, 0) == 4);
}

TEST_CASE(
    "retreat_on_loss: no lower than `lowest`, which is what it promises, and nor than the base where that is lower") {
  retreat_on_loss<ls::fixed> s{.base = {.stage = 4}, .retreat = 9, .lowest = 3};
  CHECK(run(s, {1, 2}) == boundaries{4, 4, 3});
  CHECK(s.lowest_boundary(0) == 3);
  CHECK(s.highest_boundary(2) == 4);
  retreat_on_loss<ls::fixed> deep{.base = {.stage = 4}, .retreat = 9};
  CHECK(run(deep, {1, 2}) == boundaries{4, 4, 0});
  retreat_on_loss<ls::fixed> low{.base = {.stage = 2}, .retreat = 1, .lowest = 3};
  CHECK(run(low, {1, 2}) == boundaries{2, 2, 2});
  CHECK(low.lowest_boundary(0) == 2);
}

TEST_CASE("retreat_on_loss: the base observes its own boundary, with that stage's update norm") {
  retreat_on_loss<ls::dynamic> s{.base = {.alpha = 0.5, .window = 3, .patience = 1, .warm_up = 0, .first = 3},
                                 .retreat = 2};
  s.start(limits);
  s.observe({.epoch = 0, .boundary = 3, .update_norm = 8, .loss = 1, .validation_loss = not_a_number});
  s.observe({.epoch = 1, .boundary = 3, .update_norm = 6, .loss = 2, .validation_loss = not_a_number});
  CHECK(s.boundary(2, 0) == 1);
  // the transition stage is 1, its norm would move the base; that of stage 3, 7, does not
  s.observe({.epoch = 2,
             .boundary = 1,
             .update_norm = 0.1,
             .loss = 1,
             .validation_loss = not_a_number,
             .stage_update_norms = {not_a_number, 0.1, 0.1, 7, 0.1, 0.1}});
  CHECK(s.boundary(3, 0) == 3);
  CHECK(s.base.state.norms == std::vector<double>{8, 6, 7});
  CHECK(s.base.state.epochs == 3);
  // without norms by stage, an epoch in retreat tells the base nothing
  s.observe({.epoch = 3, .boundary = 3, .update_norm = 7, .loss = 9, .validation_loss = not_a_number});
  CHECK(s.boundary(4, 0) == 1);
  s.observe({.epoch = 4, .boundary = 1, .update_norm = 0.1, .loss = 1, .validation_loss = not_a_number});
  CHECK(s.boundary(5, 0) == 3);
}

TEST_CASE("retreat_on_loss: regained stages take the gradient rate of stage T") {
  retreat_on_loss<ls::freeze_out> s{
      .base = {.t0 = 0.25, .spacing = ls::freeze_out::power::linear, .scale_rates = false}, .retreat = 1};
  s.start(limits);  // ends at 0.25, 0.4, 0.55, 0.7, 0.85, 1 of 20 epochs
  for (std::size_t epoch = 0; epoch < 8; ++epoch)
    s.observe({.epoch = epoch, .loss = 1, .validation_loss = not_a_number});
  CHECK(s.boundary(8, 0) == 2);
  CHECK(s.gradient_scale(8, 0, 1) == 0.0);
  s.observe({.epoch = 7, .loss = 2, .validation_loss = not_a_number});
  CHECK(s.boundary(8, 0) == 1);
  CHECK(s.gradient_scale(8, 0, 0) == 0.0);
  CHECK(s.gradient_scale(8, 0, 1) == s.base.gradient_scale(8, 0, 2));
  CHECK(s.gradient_scale(8, 0, 1) > 0);
  CHECK(s.gradient_scale(8, 0, 3) == s.base.gradient_scale(8, 0, 3));
}

TEST_CASE("retreat_on_loss: inside interleaved, and around a function that asks for more than there is") {
  ls::interleaved s{retreat_on_loss{ls::fixed{.stage = 3}, 1.1, 1U}, 4, 3.0};
  static_assert(std::is_same_v<decltype(s), ls::interleaved<retreat_on_loss<ls::fixed>>>);
  s.start(limits);
  s.observe({.epoch = 0, .loss = 1, .validation_loss = not_a_number});
  s.observe({.epoch = 1, .loss = 2, .validation_loss = not_a_number});
  CHECK(s.boundary(2, 0) == 2);
  CHECK(s.boundary(2, 3) == 0);
  CHECK(s.gradient_scale(2, 3, 1) == 3.0);
  CHECK(s.gradient_scale(2, 3, 2) == 1.0);

  retreat_on_loss function{[](std::size_t) { return 99; }, 1.1, 2U};
  function.start(limits);
  CHECK(function.boundary(0, 0) == 5);
  function.observe({.epoch = 0, .loss = 1, .validation_loss = not_a_number});
  function.observe({.epoch = 1, .loss = 2, .validation_loss = not_a_number});
  CHECK(function.boundary(2, 0) == 3);
  CHECK(function.lowest_boundary(2) == 0);
  CHECK(ls::highest_boundary(function, 0, 5) == 5);
}

TEST_CASE("retreat_on_loss: start() begins anew, a copied state goes on") {
  retreat_on_loss<ls::fixed> s{.base = {.stage = 4}, .epochs = 2};
  run(s, {1, 2});
  retreat_on_loss<ls::fixed> resumed{.base = {.stage = 4}, .epochs = 2};
  resumed.start(limits);
  CHECK(resumed != s);
  resumed.state = s.state;
  CHECK(resumed == s);
  CHECK(resumed.boundary(2, 0) == 3);
  s.start(limits);
  CHECK(s.boundary(0, 0) == 4);
  s.observe({.epoch = 0, .loss = 100, .validation_loss = not_a_number});  // the best of the run before is forgotten
  CHECK(s.boundary(1, 0) == 4);
}

TEST_CASE("retreat_on_loss: bad parameters, its own and its base's") {
  using of_fixed = retreat_on_loss<ls::fixed>;
  CHECK_THROWS_WITH_AS((of_fixed{.tolerance = 0.9}.start(limits)),
                       "scheduler::retreat_on_loss.tolerance: expected a finite number of at least 1, found 0.9",
                       localis::config_error);
  CHECK_THROWS_AS((of_fixed{.tolerance = not_a_number}.start(limits)), localis::config_error);
  CHECK_THROWS_AS((of_fixed{.tolerance = std::numeric_limits<double>::infinity()}.start(limits)),
                  localis::config_error);
  CHECK_THROWS_WITH_AS((of_fixed{.retreat = 0}.start(limits)),
                       "scheduler::retreat_on_loss.retreat: expected at least 1 stage, found 0", localis::config_error);
  CHECK_THROWS_WITH_AS((of_fixed{.epochs = 0}.start(limits)),
                       "scheduler::retreat_on_loss.epochs: expected at least 1 epoch, found 0", localis::config_error);
  CHECK_THROWS_WITH_AS(
      (of_fixed{.lowest = 6}.start(limits)),
      "scheduler::retreat_on_loss.lowest: expected at most 5, the highest boundary of this network (6 stages), found 6",
      localis::config_error);
  CHECK_THROWS_WITH_AS(
      (of_fixed{.base = {.stage = 6}}.start(limits)),
      "scheduler::fixed.stage: expected at most 5, the highest boundary of this network (6 stages), found 6",
      localis::config_error);
}

TEST_CASE("retreat_on_loss: keeps what it promises about its boundaries") {
  CHECK(localis_test::check_promises(retreat_on_loss{ls::linear{}, 1.1, 2U}) == 5);
  CHECK(localis_test::check_promises(retreat_on_loss{ls::linear{}, 1.1, 2U, 2U, 3U}) == 5);
  CHECK(localis_test::check_promises(retreat_on_loss{ls::interleaved{ls::fixed{3}, 4, 3.0}, 1.1, 2U, 1U, 2U}) == 3);
}
