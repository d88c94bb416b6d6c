#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "support/promises.hpp"
#include <doctest/doctest.h>

#include <localis/scheduler/freeze_out.hpp>

using localis::scheduler::freeze_out;

namespace {

// 5 stages, 20 epochs of 5 steps: a step is a hundredth of the run.
constexpr localis::schedule_limits limits{.stages = 5, .highest = 4, .epochs = 20, .steps_per_epoch = 5};

freeze_out started(freeze_out s, const localis::schedule_limits& in = limits) {
  s.start(in);
  return s;
}

/// The first step of the run at which the boundary is `boundary` or higher.
std::size_t first_step_at(const freeze_out& s, std::size_t boundary) {
  for (std::size_t step = 0; step < 100; ++step) {
    if (s.boundary(step / 5, step % 5) >= boundary) return step;
  }
  return 100;
}

}  // namespace

TEST_CASE("freeze_out: stages freeze one by one, the first at t0, evenly, squared or cubed") {
  // t_i before the power: 0.5, 0.625, 0.75, 0.875; the last stage trains to the end
  const auto linear = started({.t0 = 0.5, .spacing = freeze_out::power::linear});
  const auto square = started({.t0 = 0.5, .spacing = freeze_out::power::square});
  const auto cubic = started({.t0 = 0.5, .spacing = freeze_out::power::cubic});
  const std::size_t of_linear[] = {50, 63, 75, 88};  // rounded up to whole steps
  const std::size_t of_square[] = {25, 40, 57, 77};  // 0.25, 0.390625, 0.5625, 0.765625
  const std::size_t of_cubic[] = {13, 25, 43, 67};   // 0.125, 0.24414, 0.421875, 0.669922
  for (std::size_t stage = 0; stage < 4; ++stage) {
    CAPTURE(stage);
    CHECK(first_step_at(linear, stage + 1) == of_linear[stage]);
    CHECK(first_step_at(square, stage + 1) == of_square[stage]);
    CHECK(first_step_at(cubic, stage + 1) == of_cubic[stage]);
  }
  CHECK(linear.end_of(4) == 1.0);
  CHECK(cubic.boundary(19, 4) == 4);
  CHECK(started({}).end_of(0) == doctest::Approx(0.512));  // 0.8 cubed, the authors' default
}

TEST_CASE("freeze_out: a stage ends in the step that t_i names, whatever rounding says") {
  const auto s = started({.t0 = 0.1 + 0.2, .spacing = freeze_out::power::linear});  // a little above 0.3
  CHECK(s.boundary(5, 4) == 0);
  CHECK(s.boundary(6, 0) == 1);  // step 30 of 100
  CHECK(s.gradient_scale(6, 0, 0) == 0);
}

TEST_CASE("freeze_out: the rate falls on a cosine to 0 at t_i") {
  const auto s = started({.t0 = 0.5, .spacing = freeze_out::power::linear, .scale_rates = false});
  CHECK(s.gradient_scale(0, 0, 0) == 1.0);
  CHECK(s.gradient_scale(5, 0, 0) == doctest::Approx(0.5));  // p = 0.25
  CHECK(s.gradient_scale(2, 2, 0) == doctest::Approx((1 + std::cos(std::numbers::pi * 0.12 / 0.5)) / 2));
  CHECK(s.gradient_scale(5, 0, 2) == doctest::Approx((1 + std::cos(std::numbers::pi / 3)) / 2));  // 0.25 / 0.75
  CHECK(s.gradient_scale(10, 0, 0) == 0.0);
  CHECK(s.gradient_scale(19, 4, 0) == 0.0);
  CHECK(s.gradient_scale(10, 0, 4) == doctest::Approx(0.5));
  CHECK(s.gradient_scale(19, 4, 4) > 0);
}

TEST_CASE("freeze_out: scaled rates cover the same sum in every stage") {
  for (const auto spacing : {freeze_out::power::linear, freeze_out::power::square, freeze_out::power::cubic}) {
    const auto scaled = started({.t0 = 0.5, .spacing = spacing, .scale_rates = true},
                                {.stages = 5, .highest = 4, .epochs = 100, .steps_per_epoch = 100});
    const auto plain = started({.t0 = 0.5, .spacing = spacing, .scale_rates = false},
                               {.stages = 5, .highest = 4, .epochs = 100, .steps_per_epoch = 100});
    CHECK(scaled.gradient_scale(0, 0, 0) == doctest::Approx(1 / scaled.end_of(0)));
    for (std::size_t stage = 0; stage < 5; ++stage) {
      double sum = 0;
      double unscaled = 0;
      for (std::size_t step = 0; step < 10000; ++step) {
        sum += scaled.gradient_scale(step / 100, step % 100, stage) / 10000;
        unscaled += plain.gradient_scale(step / 100, step % 100, stage) / 10000;
      }
      CAPTURE(stage);
      CHECK(sum == doctest::Approx(0.5).epsilon(2e-3));
      CHECK(unscaled == doctest::Approx(0.5 * plain.end_of(stage)).epsilon(2e-3));
    }
  }
}

TEST_CASE("freeze_out: where the boundary stops early, the stages behind anneal over the whole run") {
  const auto s = started({.t0 = 0.5, .spacing = freeze_out::power::linear},
                         {.stages = 5, .highest = 2, .epochs = 20, .steps_per_epoch = 5});
  CHECK(s.end_of(1) == doctest::Approx(0.75));
  for (std::size_t stage = 2; stage < 5; ++stage) CHECK(s.end_of(stage) == 1.0);
  CHECK(s.boundary(19, 4) == 2);
  CHECK(s.gradient_scale(19, 4, 2) > 0);

  const auto none = started({}, {.stages = 1, .highest = 0, .epochs = 2, .steps_per_epoch = 1});
  CHECK(none.boundary(1, 0) == 0);
  CHECK(none.gradient_scale(1, 0, 0) == doctest::Approx(0.5));
}

TEST_CASE("freeze_out: bad parameters") {
  const auto message = [](freeze_out s) {
    try {
      s.start(limits);
    } catch (const localis::config_error& error) {
      return std::string(error.what());
    }
    return std::string("nothing");
  };
  CHECK(message({.t0 = 0}) == "scheduler::freeze_out.t0: expected a share of the run in (0, 1], found 0");
  CHECK(message({.t0 = 1.5}) == "scheduler::freeze_out.t0: expected a share of the run in (0, 1], found 1.5");
  CHECK(message({.t0 = std::numeric_limits<double>::quiet_NaN()}) ==
        "scheduler::freeze_out.t0: expected a share of the run in (0, 1], found nan");
  CHECK(message({.spacing = static_cast<freeze_out::power>(4)}) ==
        "scheduler::freeze_out.spacing: expected linear (1), square (2) or cubic (3), found 4");
  CHECK(message({.t0 = 1}) == "nothing");
}

TEST_CASE("freeze_out: keeps what it promises about its boundaries") {
  CHECK(localis_test::check_promises(freeze_out{}) == 5);
}
