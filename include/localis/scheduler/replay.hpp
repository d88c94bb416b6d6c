#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/scheduler/growth.hpp>
#include <localis/scheduler/scheduler.hpp>

namespace localis::scheduler {

/// Replays the boundaries of another run, one per epoch; after the end of the list it keeps the last one.
///
/// Errors: start() throws config_error if the list is empty or one of its boundaries lies beyond
///         schedule_limits::highest. No other function may be called on an empty list.
struct replay {
  std::vector<std::size_t> boundaries;  ///< T of epoch 0, 1, ...

  void start(const schedule_limits& limits) const {
    expect(!boundaries.empty(), "scheduler::replay.boundaries", "at least one boundary", "none");
    for (std::size_t epoch = 0; epoch < boundaries.size(); ++epoch) {
      expect_allowed(text("scheduler::replay.boundaries[", epoch, "]").c_str(), boundaries[epoch], limits);
    }
  }

  [[nodiscard]] std::size_t boundary(std::size_t epoch, std::size_t) const { return boundaries[place(epoch)]; }

  [[nodiscard]] std::size_t highest_boundary(std::size_t epoch) const { return boundary(epoch, 0); }
  [[nodiscard]] std::size_t lowest_boundary(std::size_t epoch) const {
    const auto rest = boundaries.begin() + static_cast<std::ptrdiff_t>(place(epoch));
    return *std::min_element(rest, boundaries.end());
  }

  friend bool operator==(const replay&, const replay&) = default;

 private:
  [[nodiscard]] std::size_t place(std::size_t epoch) const { return (std::min)(epoch, boundaries.size() - 1); }
};

static_assert(check_scheduler<replay>());

}  // namespace localis::scheduler
