#pragma once

#include <cmath>
#include <cstddef>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/scheduler/growth.hpp>
#include <localis/scheduler/scheduler.hpp>

namespace localis::scheduler {

/// The boundary moves along a power of time: late and fast (power > 1), or early and then slowly (power < 1).
///
///   T(e) = floor( first + (last - first) * ((e - begin) / (end - begin))^power ),   as `linear` outside [begin, end)
///
/// Units:  begin and end in epochs (from 0), first and last in stages, power dimensionless; power 1 is `linear`.
/// Errors: as `linear`; start() also throws config_error unless power is finite and above 0.
/// Source: as `linear`.
struct polynomial {
  double power = 2;
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
    expect(is_finite(power) && power > 0, "scheduler::polynomial.power", "a finite number above 0", power);
    state.last = resolve_last("scheduler::polynomial.first", first, "scheduler::polynomial.last", last, limits);
    state.end = resolve_end("scheduler::polynomial.end", begin, end, limits);
  }

  [[nodiscard]] double value(std::size_t epoch) const {
    return interpolate(first, state.last, std::pow(elapsed_fraction(epoch, begin, state.end), power));
  }

  [[nodiscard]] std::size_t boundary(std::size_t epoch, std::size_t) const { return whole_boundary(value(epoch)); }
  [[nodiscard]] std::size_t lowest_boundary(std::size_t epoch) const { return whole_boundary(value(epoch)); }
  [[nodiscard]] std::size_t highest_boundary(std::size_t epoch) const { return boundary(epoch, 0); }

  friend bool operator==(const polynomial&, const polynomial&) = default;
};

static_assert(check_scheduler<polynomial>());

}  // namespace localis::scheduler
