#pragma once

#include <cstddef>

#include <localis/core/error.hpp>
#include <localis/scheduler/growth.hpp>
#include <localis/scheduler/scheduler.hpp>

namespace localis::scheduler {

/// The boundary moves from one stage to another at a steady pace.
///
///   T(e) = floor( first + (last - first) * (e - begin) / (end - begin) ),   first before `begin`, last from `end` on
///
/// Units:  begin and end in epochs (from 0), first and last in stages.
/// Errors: start() throws config_error if `last` or `first` lies beyond schedule_limits::highest, if first > last, or
///         if end < begin.
/// Source: a boundary that moves by a fixed schedule follows S. Krithivasan et al. (see dynamic); the formula is ours.
struct linear {
  std::size_t begin = 0;         ///< epoch at which T starts to move
  std::size_t end = last_epoch;  ///< epoch at which T reaches `last`
  std::size_t first = 0;
  std::size_t last = highest;

  /// The values of `end` and `last` in this run.
  struct run_state {
    std::size_t end = 0;
    std::size_t last = 0;
    friend bool operator==(const run_state&, const run_state&) = default;
  };
  run_state state{};

  void start(const schedule_limits& limits) {
    state.last = resolve_last("scheduler::linear.first", first, "scheduler::linear.last", last, limits);
    state.end = resolve_end("scheduler::linear.end", begin, end, limits);
  }

  [[nodiscard]] double value(std::size_t epoch) const {
    return interpolate(first, state.last, elapsed_fraction(epoch, begin, state.end));
  }

  [[nodiscard]] std::size_t boundary(std::size_t epoch, std::size_t) const { return whole_boundary(value(epoch)); }
  [[nodiscard]] std::size_t lowest_boundary(std::size_t epoch) const { return whole_boundary(value(epoch)); }
  [[nodiscard]] std::size_t highest_boundary(std::size_t epoch) const { return boundary(epoch, 0); }

  friend bool operator==(const linear&, const linear&) = default;
};

static_assert(check_scheduler<linear>());

}  // namespace localis::scheduler
