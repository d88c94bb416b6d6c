#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/scheduler/growth.hpp>
#include <localis/scheduler/scheduler.hpp>

namespace localis::scheduler {

/// The boundary moves past a stage once the updates of that stage have fallen clearly below their recent mean.
///
///   after epoch E:  T <- min( T + shift, highest )   iff   n > max(patience, 1)   and   d_E <= alpha * m
///
///   d_E  mean over the epoch's steps at the base boundary of norm_F(dW) / rate of stage T
///   m    mean of d over the latest epochs at this T before E, at most `window` of them
///   n    epochs seen at this T, E among them
///
/// The boundary does not move after an epoch E < warm_up, although such epochs count for n and m, and it never moves
/// back. An epoch whose d is not finite (no step ran at the base boundary, or the rate was 0) does not count.
///
/// Units:  window, patience, warm_up in epochs; shift and first in stages; alpha dimensionless.
/// Errors: start() throws config_error if alpha is not finite or not above 0, if window or shift is 0, or if `first`
///         lies beyond schedule_limits::highest.
/// Source: after the abstract of S. Krithivasan et al., Frontiers in Neuroscience 15 (2022) 759807, which moves the
///         boundary by "the dynamics of the weight updates made to the transition layer". The criterion is ours.
struct dynamic {
  double alpha = 0.9;
  std::size_t window = 3;
  std::size_t patience = 1;
  std::size_t warm_up = 1;
  std::size_t shift = 1;
  std::size_t first = 0;  ///< T of the first epoch

  struct run_state {
    std::size_t boundary = 0;   ///< T
    std::size_t highest = 0;    ///< the highest T
    std::size_t epochs = 0;     ///< n
    std::vector<double> norms;  ///< d of the latest epochs at this T, oldest first, at most `window`
    friend bool operator==(const run_state&, const run_state&) = default;
  };
  run_state state{};

  void start(const schedule_limits& limits) {
    expect(is_finite(alpha) && alpha > 0, "scheduler::dynamic.alpha", "a finite number above 0", alpha);
    expect(window >= 1, "scheduler::dynamic.window", "at least 1 epoch", window);
    expect(shift >= 1, "scheduler::dynamic.shift", "at least 1 stage", shift);
    expect_allowed("scheduler::dynamic.first", first, limits);
    state = {.boundary = first, .highest = limits.highest, .epochs = 0, .norms = {}};
  }

  void observe(const epoch_observation& seen) {
    if (!is_finite(seen.update_norm)) return;
    ++state.epochs;
    if (seen.epoch >= warm_up && settled(seen.update_norm)) {
      state.boundary += (std::min)(shift, state.highest - state.boundary);
      state.epochs = 0;
      state.norms.clear();
      return;
    }
    if (state.norms.size() == window) state.norms.erase(state.norms.begin());
    state.norms.push_back(seen.update_norm);
  }

  [[nodiscard]] std::size_t boundary(std::size_t, std::size_t) const { return state.boundary; }
  [[nodiscard]] std::size_t lowest_boundary(std::size_t) const { return state.boundary; }
  [[nodiscard]] std::size_t highest_boundary(std::size_t) const { return state.boundary; }

  friend bool operator==(const dynamic&, const dynamic&) = default;

 private:
  [[nodiscard]] bool settled(double norm) const {
    if (state.epochs <= std::max<std::size_t>(patience, 1)) return false;
    const double sum = std::accumulate(state.norms.begin(), state.norms.end(), 0.0);
    return norm <= alpha * sum / static_cast<double>(state.norms.size());
  }
};

static_assert(check_scheduler<dynamic>());

}  // namespace localis::scheduler
