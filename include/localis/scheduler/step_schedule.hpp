#pragma once

#include <cstddef>

#include <localis/core/error.hpp>
#include <localis/scheduler/growth.hpp>
#include <localis/scheduler/scheduler.hpp>

namespace localis::scheduler {

/// The boundary moves by a fixed number of stages at regular intervals.
///
///   T(e) = min( last, first + shift * floor((e - begin) / every) ),   first before `begin`
///
/// So the first move is at epoch begin + every.
///
/// Units:  begin and every in epochs, shift, first and last in stages.
/// Errors: start() throws config_error if `every` or `shift` is 0, if `last` or `first` lies beyond
///         schedule_limits::highest, or if first > last.
/// Source: as `linear`.
struct step_schedule {
  std::size_t every = 1;
  std::size_t shift = 1;
  std::size_t begin = 0;  ///< epoch from which intervals are counted
  std::size_t first = 0;
  std::size_t last = highest;

  /// The value of `last` in this run.
  struct run_state {
    std::size_t last = 0;
    friend bool operator==(const run_state&, const run_state&) = default;
  };
  run_state state{};

  void start(const schedule_limits& limits) {
    expect(every >= 1, "scheduler::step_schedule.every", "at least 1 epoch", every);
    expect(shift >= 1, "scheduler::step_schedule.shift", "at least 1 stage", shift);
    state.last = resolve_last("scheduler::step_schedule.first", first, "scheduler::step_schedule.last", last, limits);
  }

  [[nodiscard]] std::size_t boundary(std::size_t epoch, std::size_t) const {
    const std::size_t moves = epoch < begin ? 0 : (epoch - begin) / every;
    const std::size_t room = state.last - first;
    return moves > room / shift ? state.last : first + moves * shift;  // compared first: the product cannot overflow
  }
  [[nodiscard]] std::size_t lowest_boundary(std::size_t epoch) const { return boundary(epoch, 0); }
  [[nodiscard]] std::size_t highest_boundary(std::size_t epoch) const { return boundary(epoch, 0); }

  friend bool operator==(const step_schedule&, const step_schedule&) = default;
};

static_assert(check_scheduler<step_schedule>());

}  // namespace localis::scheduler
