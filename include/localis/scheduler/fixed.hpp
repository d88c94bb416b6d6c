#pragma once

#include <cstddef>

#include <localis/scheduler/growth.hpp>
#include <localis/scheduler/scheduler.hpp>

namespace localis::scheduler {

/// Keeps the boundary at one stage in every step: `fixed{.at = 2}`. Boundary 0 is plain gradient descent.
///
/// Units:  `at` in stages.
/// Errors: start() throws config_error if `at` lies beyond the highest boundary that the network allows.
struct fixed {
  std::size_t at = 0;  ///< T, a stage

  void start(const schedule_limits& limits) const { expect_allowed("scheduler::fixed.at", at, limits); }
  [[nodiscard]] std::size_t boundary(std::size_t, std::size_t) const { return at; }
  [[nodiscard]] std::size_t lowest_boundary(std::size_t) const { return at; }
  [[nodiscard]] std::size_t highest_boundary(std::size_t) const { return at; }

  friend bool operator==(const fixed&, const fixed&) = default;
};

static_assert(check_scheduler<fixed>());

}  // namespace localis::scheduler
