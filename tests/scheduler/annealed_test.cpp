#include <cmath>
#include <cstddef>
#include <numbers>

#include "support/promises.hpp"
#include <doctest/doctest.h>

#include <localis/core/error.hpp>
#include <localis/scheduler/annealed.hpp>
#include <localis/scheduler/callable.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/scheduler/freeze_out.hpp>
#include <localis/scheduler/linear.hpp>

namespace ls = localis::scheduler;

namespace {

// 5 stages, 20 epochs of 5 steps: a step is a hundredth of the run.
constexpr localis::schedule_limits limits{.stages = 5, .highest = 4, .epochs = 20, .steps_per_epoch = 5};

template <class Scheduler>
Scheduler started(Scheduler s) {
  s.start(limits);
  return s;
}

double cosine(double fraction) { return (1 + std::cos(std::numbers::pi * fraction)) / 2; }

}  // namespace

TEST_CASE("annealed: each stage's rate falls to 0 as the boundary passes it") {
  // The boundary is 1 from epoch 4 on, 2 from epoch 8, 3 from epoch 12.
  const auto s = started(ls::annealed{ls::linear{.begin = 0, .end = 12, .first = 0, .last = 3}});
  CHECK(s.boundary(3, 4) == 0);
  CHECK(s.boundary(4, 0) == 1);
  CHECK(s.gradient_scale(0, 0, 0) == 1);
  CHECK(s.gradient_scale(2, 0, 0) == doctest::Approx(0.5));
  CHECK(s.gradient_scale(3, 4, 0) == doctest::Approx(cosine(19.0 / 20)));
  CHECK(s.gradient_scale(4, 0, 0) == 0);
  CHECK(s.gradient_scale(19, 4, 0) == 0);
  CHECK(s.gradient_scale(2, 3, 1) == doctest::Approx(cosine(13.0 / 40)));
  CHECK(s.gradient_scale(10, 0, 3) == doctest::Approx(0.5));  // never passed: over the whole run
  CHECK(s.gradient_scale(19, 4, 4) > 0);
}

TEST_CASE("annealed: scaled rates cover the same sum in every stage") {
  const auto s = started(ls::annealed{ls::linear{.begin = 0, .end = 12, .first = 0, .last = 3}, true});
  for (std::size_t stage = 0; stage < limits.stages; ++stage) {
    double sum = 0;
    for (std::size_t step = 0; step < 100; ++step) sum += s.gradient_scale(step / 5, step % 5, stage) / 100;
    CAPTURE(stage);
    CHECK(sum == doctest::Approx(0.5).epsilon(0.06));  // in steps: 1 / (2 t_i) of them more
  }
}

TEST_CASE("annealed: with the boundary of freeze_out it is freeze_out, up to whole steps") {
  const ls::freeze_out plain = started(ls::freeze_out{.t0 = 0.5, .spacing = ls::freeze_out::power::linear});
  const auto s = started(
      ls::annealed{[&plain](std::size_t epoch, std::size_t step) { return plain.boundary(epoch, step); }, true});
  for (std::size_t step = 0; step < 100; ++step) {
    for (std::size_t stage = 0; stage < limits.stages; ++stage) {
      CAPTURE(step);
      CAPTURE(stage);
      CHECK(std::abs(s.gradient_scale(step / 5, step % 5, stage) - plain.gradient_scale(step / 5, step % 5, stage)) <
            0.02);
    }
  }
}

TEST_CASE("annealed: a stage before the boundary from the first step on never learns by gradient") {
  const auto s = started(ls::annealed{ls::fixed{2}});
  CHECK(s.gradient_scale(0, 0, 1) == 0);
  CHECK(s.gradient_scale(0, 0, 2) == 1);
}

TEST_CASE("annealed: the errors of its base come through") {
  ls::annealed s{ls::linear{.last = 5}};
  CHECK_THROWS_AS(s.start(limits), localis::config_error);
}

TEST_CASE("annealed: keeps what it promises about its boundaries") {
  CHECK(localis_test::check_promises(ls::annealed{ls::linear{}}) == 5);
  CHECK(localis_test::check_promises(ls::annealed{ls::fixed{3}}) == 3);
}
