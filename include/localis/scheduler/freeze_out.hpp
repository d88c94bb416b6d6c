#pragma once

#include <cmath>
#include <cstddef>
#include <numbers>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/scheduler/growth.hpp>
#include <localis/scheduler/scheduler.hpp>

namespace localis::scheduler {

/// FreezeOut: the learning rate of each stage falls to 0 along a cosine of its own, and the stage leaves gradient
/// descent where its cosine ends, the first stage first.
///
///   t_i = (t0 + (1 - t0) i / highest)^k   for i < highest,   1 beyond;   k = 1 (linear), 2 (square), 3 (cubic)
///   T   = number of stages i < highest with t_i <= p
///   factor on the gradient rate of stage i:  (1 + cos(pi p / t_i)) / 2,  over t_i where scale_rates;  0 from t_i on
///
///   p        fraction of the run's steps that are done
///   highest  highest boundary that the network allows, commonly its last stage
///
/// With scale_rates, the sum of rates over the run is the same for every stage. The factors contain the cosine already:
/// use learning_rate::constant.
///
/// Units:  t0 and p are fractions of the run; t0 counts before the power, so that the default freezes stage 0 at 0.512.
/// Errors: start() throws config_error unless t0 is in (0, 1] and `spacing` is one of the three.
/// Source: A. Brock, T. Lim, J. M. Ritchie, N. Weston, FreezeOut, arXiv 1706.04983 (2017); formulas and defaults as in
///         the authors' published code. What differs is ours: from t_i on a stage may learn locally instead of being
///         frozen; if a stage whose rule is gradient lowers `highest`, this stage and those after it anneal over the
///         whole run.
struct freeze_out {
  enum class power { linear = 1, square = 2, cubic = 3 };

  double t0 = 0.8;
  power spacing = power::cubic;
  bool scale_rates = true;

  struct run_state {
    std::size_t highest = 0;
    std::size_t epochs = 1;
    std::size_t steps_per_epoch = 1;
    friend bool operator==(const run_state&, const run_state&) = default;
  };
  run_state state{};

  void start(const schedule_limits& limits) {
    expect(is_finite(t0) && t0 > 0 && t0 <= 1, "scheduler::freeze_out.t0", "a share of the run in (0, 1]", t0);
    const int k = static_cast<int>(spacing);
    expect(k >= 1 && k <= 3, "scheduler::freeze_out.spacing", "linear (1), square (2) or cubic (3)", k);
    state = {limits.highest, limits.epochs, limits.steps_per_epoch};
  }

  /// t_i, as a fraction of the run.
  [[nodiscard]] double end_of(std::size_t stage) const {
    if (stage >= state.highest) return 1;
    const double way = static_cast<double>(stage) / static_cast<double>(state.highest);
    return std::pow(t0 + (1 - t0) * way, static_cast<int>(spacing));
  }

  [[nodiscard]] std::size_t boundary(std::size_t epoch, std::size_t step) const {
    const double done = progress(epoch, step);
    std::size_t frozen = 0;
    while (frozen < state.highest && finished(frozen, done)) ++frozen;
    return frozen;
  }
  [[nodiscard]] std::size_t lowest_boundary(std::size_t epoch) const { return boundary(epoch, 0); }
  [[nodiscard]] std::size_t highest_boundary(std::size_t epoch) const {
    return boundary(epoch, state.steps_per_epoch - 1);
  }

  [[nodiscard]] double gradient_scale(std::size_t epoch, std::size_t step, std::size_t stage) const {
    const double done = progress(epoch, step);
    if (finished(stage, done)) return 0;
    const double end = end_of(stage);
    return (1 + std::cos(std::numbers::pi * done / end)) / 2 / (scale_rates ? end : 1);
  }

  friend bool operator==(const freeze_out&, const freeze_out&) = default;

 private:
  [[nodiscard]] double progress(std::size_t epoch, std::size_t step) const {
    return static_cast<double>(epoch * state.steps_per_epoch + step) /
           static_cast<double>(state.epochs * state.steps_per_epoch);
  }
  [[nodiscard]] bool finished(std::size_t stage, double done) const { return end_of(stage) <= done + boundary_slack; }
};

static_assert(check_scheduler<freeze_out>());

}  // namespace localis::scheduler
