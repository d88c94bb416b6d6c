#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/scheduler/growth.hpp>
#include <localis/scheduler/scheduler.hpp>

namespace localis::scheduler {

/// The boundary moves past the leading stages whose updates have changed least since the epoch before.
///
///   eta_l = | d_l(E-1) - d_l(E) | / d_l(E-1)   for the stages l >= T;   0 where both are 0
///   T <- min( first l >= T with eta_l >= q, highest ),   q = percentile of these eta
///
///   d_l(E)  mean over the steps of epoch E of norm_F(dW) / rate of stage l (epoch_observation::stage_update_norms)
///   q       as commonly interpolated: of n sorted values, at place (n - 1) percentile / 100
///
/// T never moves back, and it does not move in the first epoch. A stage whose eta is not finite does not count for q,
/// and T stops there.
///
/// Units:  percentile in percent: 50 is the median, 0 never moves.
/// Errors: start() throws config_error unless percentile is in [0, 100]; observe() throws it unless it gets one norm
///         per stage.
/// Source: after the gradient norm test of Y. Liu, S. Agarwal, S. Venkataraman, AutoFreeze, arXiv 2102.01386 (2021);
///         eta, percentile and its default are those of the authors' published code. What differs is ours: d is a mean
///         of norms of the updates, while theirs is the 1-norm of the gradient summed over an interval; our interval is
///         an epoch; momentum is part of the update; the last stage takes part.
struct autofreeze {
  double percentile = 50;

  struct run_state {
    std::size_t boundary = 0;
    std::size_t highest = 0;
    std::size_t stages = 0;
    std::vector<double> norms;  ///< d of the epoch before; empty at first
    friend bool operator==(const run_state&, const run_state&) = default;
  };
  run_state state{};

  void start(const schedule_limits& limits) {
    expect(is_finite(percentile) && percentile >= 0 && percentile <= 100, "scheduler::autofreeze.percentile",
           "percent in [0, 100]", percentile);
    state = {.boundary = 0, .highest = limits.highest, .stages = limits.stages, .norms = {}};
  }

  void observe(const epoch_observation& seen) {
    if (seen.stage_update_norms.size() != state.stages) {
      throw config_error(text("scheduler::autofreeze: stage_update_norms: expected one for each of the ", state.stages,
                              " stages, found ", seen.stage_update_norms.size()));
    }
    if (!state.norms.empty()) move(seen.stage_update_norms);
    state.norms = seen.stage_update_norms;
  }

  [[nodiscard]] std::size_t boundary(std::size_t, std::size_t) const { return state.boundary; }
  [[nodiscard]] std::size_t lowest_boundary(std::size_t) const { return state.boundary; }
  [[nodiscard]] std::size_t highest_boundary(std::size_t) const { return state.boundary; }

  friend bool operator==(const autofreeze&, const autofreeze&) = default;

 private:
  void move(const std::vector<double>& norms) {
    std::vector<double> sorted;
    for (std::size_t stage = state.boundary; stage < state.stages; ++stage) {
      const double eta = change(state.norms[stage], norms[stage]);
      if (is_finite(eta)) sorted.push_back(eta);
    }
    if (sorted.empty()) return;
    std::sort(sorted.begin(), sorted.end());
    const double place = static_cast<double>(sorted.size() - 1) * percentile / 100;
    const auto lower = static_cast<std::size_t>(place);
    const double upper = sorted[(std::min)(lower + 1, sorted.size() - 1)];
    const double limit = sorted[lower] + (place - static_cast<double>(lower)) * (upper - sorted[lower]);
    while (state.boundary < state.highest && change(state.norms[state.boundary], norms[state.boundary]) < limit) {
      ++state.boundary;
    }
  }

  [[nodiscard]] static double change(double previous, double current) {
    if (previous == 0 && current == 0) return 0;
    return previous > 0 ? (std::abs)(previous - current) / previous : std::numeric_limits<double>::quiet_NaN();
  }
};

static_assert(check_scheduler<autofreeze>());

}  // namespace localis::scheduler
