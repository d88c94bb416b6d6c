#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>

#include <doctest/doctest.h>

#include <localis/scheduler/scheduler.hpp>

/// What a scheduler promises about its boundaries is kept: memory is planned by it.
namespace localis_test {

inline constexpr localis::schedule_limits promise_limits{6, 5, 12, 8};

/// Runs all epochs and compares each boundary with what was promised; returns the highest one that came.
template <class Scheduler>
std::size_t check_promises(Scheduler scheduler) {
  localis::scheduler::start(scheduler, promise_limits);
  std::size_t promised_lowest = 0;
  std::size_t top = 0;
  for (std::size_t epoch = 0; epoch < promise_limits.epochs; ++epoch) {
    const std::size_t lowest = localis::scheduler::lowest_boundary(scheduler, epoch);
    const std::size_t highest = localis::scheduler::highest_boundary(scheduler, epoch, promise_limits.highest);
    CHECK(lowest >= promised_lowest);  // a promise for all later epochs, too
    promised_lowest = std::max(promised_lowest, lowest);
    for (std::size_t step = 0; step < promise_limits.steps_per_epoch; ++step) {
      const std::size_t boundary = scheduler.boundary(epoch, step);
      CHECK(boundary >= promised_lowest);
      CHECK(boundary <= highest);
      top = std::max(top, boundary);
    }
    localis::epoch_observation seen{.epoch = epoch,
                                    .boundary = localis::scheduler::base_boundary(scheduler, epoch, 0),
                                    .update_norm = 1.0 / static_cast<double>(epoch + 1),
                                    .loss = epoch % 3 == 2 ? 2.0 : 1.0,
                                    .validation_loss = std::numeric_limits<double>::quiet_NaN(),
                                    .validation_accuracy = std::numeric_limits<double>::quiet_NaN()};
    for (std::size_t stage = 0; stage < promise_limits.stages; ++stage) {  // the deeper, the more it changes
      seen.stage_update_norms.push_back(1.0 / static_cast<double>(1 + (stage + 1) * epoch));
    }
    localis::scheduler::observe(scheduler, seen);
  }
  return top;
}

}  // namespace localis_test
