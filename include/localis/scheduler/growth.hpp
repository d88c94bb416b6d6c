#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include <localis/core/error.hpp>
#include <localis/scheduler/scheduler.hpp>

/// Helpers of the static schedulers: a value grows with the epoch, and the boundary is its integer part.
namespace localis::scheduler {

/// Stands for the highest stage that the network allows, which is known once the run starts.
inline constexpr std::size_t highest = (std::numeric_limits<std::size_t>::max)();

/// Stands for the last epoch of the run, which is known once the run starts.
inline constexpr std::size_t last_epoch = (std::numeric_limits<std::size_t>::max)();

/// The distance from an integer that counts as rounding. It is far above the error of a few operations and far below
/// the steps of a schedule.
inline constexpr double boundary_slack = 1e-9;

/// The integer part of a value, at least 0. A value that rounding left just below an integer counts as that integer:
/// (0.1 + 0.7) * 10 = 7.999999999999999 becomes 8.
[[nodiscard]] inline std::size_t whole_boundary(double value) {
  constexpr double largest = 1e15;  // beyond any network, within what a double counts exactly
  const double slack = boundary_slack * (std::max)(1.0, value);
  return static_cast<std::size_t>(std::floor(std::clamp(value + slack, 0.0, largest)));
}

/// Throws config_error if a boundary that the user chose lies beyond the network.
inline void expect_allowed(const char* name, std::size_t boundary, const schedule_limits& limits) {
  if (boundary > limits.highest) {
    throw config_error(text(name, ": expected at most ", limits.highest, ", the highest boundary of this network (",
                            limits.stages, " stages), found ", boundary));
  }
}

/// The stage that `last` stands for, checked against the network and against `first`.
/// @param first_name  as the user spells it, for the message
/// @param last_name   likewise
[[nodiscard]] inline std::size_t resolve_last(const char* first_name, std::size_t first, const char* last_name,
                                              std::size_t last, const schedule_limits& limits) {
  if (last != highest) expect_allowed(last_name, last, limits);
  const std::size_t resolved = last == highest ? limits.highest : last;
  expect(first <= resolved, first_name, text("at most ", resolved, ", the last boundary of the schedule").c_str(),
         first);
  return resolved;
}

/// The epoch that `end` stands for. If it is left out and the run is over before `begin`, it is `begin`, and T never
/// moves.
[[nodiscard]] inline std::size_t resolve_end(const char* name, std::size_t begin, std::size_t end,
                                             const schedule_limits& limits) {
  if (end == last_epoch) return (std::max)(begin, std::max<std::size_t>(limits.epochs, 1) - 1);
  expect(begin <= end, name, text("at least epoch ", begin, ", where the boundary begins to move").c_str(), end);
  return end;
}

/// 0 before `begin`, 1 from `end` on, and linear in between.
[[nodiscard]] inline double elapsed_fraction(std::size_t epoch, std::size_t begin, std::size_t end) {
  if (epoch >= end) return 1;
  if (epoch <= begin) return 0;
  return static_cast<double>(epoch - begin) / static_cast<double>(end - begin);
}

/// Interpolates: first + (last - first) * fraction.
[[nodiscard]] inline double interpolate(std::size_t first, std::size_t last, double fraction) {
  return static_cast<double>(first) + static_cast<double>(last - first) * fraction;
}

}  // namespace localis::scheduler
