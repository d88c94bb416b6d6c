// What schedulers promise about their boundaries is kept: memory is planned by it.

#include <algorithm>
#include <cstddef>
#include <limits>

#include <doctest/doctest.h>

#include <localis/scheduler/autofreeze.hpp>
#include <localis/scheduler/callable.hpp>
#include <localis/scheduler/dynamic.hpp>
#include <localis/scheduler/exponential_approach.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/scheduler/freeze_out.hpp>
#include <localis/scheduler/interleaved.hpp>
#include <localis/scheduler/linear.hpp>
#include <localis/scheduler/polynomial.hpp>
#include <localis/scheduler/replay.hpp>
#include <localis/scheduler/retreat_on_loss.hpp>
#include <localis/scheduler/step_schedule.hpp>

namespace lo = localis;

namespace {

constexpr lo::schedule_limits limits{6, 5, 12, 8};

/// Runs all epochs and compares each boundary with what was promised; returns the highest one that came.
template <class Scheduler>
std::size_t check_promises(Scheduler scheduler) {
  lo::scheduler::start(scheduler, limits);
  std::size_t promised_lowest = 0;
  std::size_t top = 0;
  for (std::size_t epoch = 0; epoch < limits.epochs; ++epoch) {
    const std::size_t lowest = lo::scheduler::lowest_boundary(scheduler, epoch);
    const std::size_t highest = lo::scheduler::highest_boundary(scheduler, epoch, limits.highest);
    CHECK(lowest >= promised_lowest);  // a promise for all later epochs, too
    promised_lowest = std::max(promised_lowest, lowest);
    for (std::size_t step = 0; step < limits.steps_per_epoch; ++step) {
      const std::size_t boundary = scheduler.boundary(epoch, step);
      CHECK(boundary >= promised_lowest);
      CHECK(boundary <= highest);
      top = std::max(top, boundary);
    }
    lo::epoch_observation seen{.epoch = epoch,
                               .boundary = lo::scheduler::base_boundary(scheduler, epoch, 0),
                               .update_norm = 1.0 / static_cast<double>(epoch + 1),
                               .loss = epoch % 3 == 2 ? 2.0 : 1.0,
                               .validation_loss = std::numeric_limits<double>::quiet_NaN(),
                               .validation_accuracy = std::numeric_limits<double>::quiet_NaN()};
    for (std::size_t stage = 0; stage < limits.stages; ++stage) {  // the deeper, the more it changes
      seen.stage_update_norms.push_back(1.0 / static_cast<double>(1 + (stage + 1) * epoch));
    }
    lo::scheduler::observe(scheduler, seen);
  }
  return top;
}

}  // namespace

TEST_CASE("schedulers keep what they promise about lowest and highest boundaries") {
  using namespace lo::scheduler;
  CHECK(check_promises(fixed{2}) == 2);
  CHECK(check_promises(linear{}) == 5);
  CHECK(check_promises(polynomial{}) == 5);
  CHECK(check_promises(lo::scheduler::step_schedule{.every = 2}) == 5);
  CHECK(check_promises(exponential_approach{}) == 5);
  CHECK(check_promises(dynamic{}) == 5);
  CHECK(check_promises(replay{{0, 3, 1, 4, 2}}) == 4);
  CHECK(check_promises(freeze_out{}) == 5);
  CHECK(check_promises(autofreeze{}) >= 3);
  CHECK(check_promises(retreat_on_loss{linear{}, 1.1, 2U}) == 5);
  CHECK(check_promises(retreat_on_loss{linear{}, 1.1, 2U, 2U, 3U}) == 5);
  CHECK(check_promises(retreat_on_loss{interleaved{fixed{3}, 4, 3.0}, 1.1, 2U, 1U, 2U}) == 3);
  CHECK(check_promises(interleaved{retreat_on_loss{freeze_out{}, 1.1, 2U}, 4, 3.0}) == 5);
  CHECK(check_promises(interleaved{linear{}, 4, 3.0}) == 5);
  CHECK(check_promises(interleaved{fixed{3}, 4, 3.0}) == 3);
  CHECK(check_promises(as_scheduler([](std::size_t epoch) { return epoch % 4; })) == 3);
}

TEST_CASE("a boundary that cannot come is not promised") {
  using namespace lo::scheduler;
  CHECK(lo::scheduler::highest_boundary(fixed{2}, 0, limits.highest) == 2);
  CHECK(lo::scheduler::highest_boundary(interleaved{fixed{3}, 4, 3.0}, 0, limits.highest) == 3);
  CHECK(lo::scheduler::highest_boundary(replay{{0, 3, 1}}, 0, limits.highest) == 0);
  CHECK(lo::scheduler::highest_boundary(as_scheduler([](std::size_t epoch) { return epoch; }), 0, limits.highest) == 5);
}
