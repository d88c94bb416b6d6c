#pragma once

#include <cstddef>

#include <localis/scheduler/growth.hpp>
#include <localis/scheduler/scheduler.hpp>

namespace localis::scheduler {

/// Keeps the boundary at one stage in every step: `fixed{.stage = 2}`. Boundary 0 is plain gradient descent.
///
/// Units:  `stage` in stages.
/// Errors: start() throws config_error if `stage` lies beyond the highest boundary that the network allows.
struct fixed {
  std::size_t stage = 0;  ///< T, a stage

  void start(const schedule_limits& limits) const { expect_allowed("scheduler::fixed.stage", stage, limits); }
  [[nodiscard]] std::size_t boundary(std::size_t, std::size_t) const { return stage; }
  [[nodiscard]] std::size_t lowest_boundary(std::size_t) const { return stage; }
  [[nodiscard]] std::size_t highest_boundary(std::size_t) const { return stage; }

  friend bool operator==(const fixed&, const fixed&) = default;
};

static_assert(check_scheduler<fixed>());

}  // namespace localis::scheduler
