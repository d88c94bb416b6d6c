#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/scheduler/callable.hpp>
#include <localis/scheduler/growth.hpp>
#include <localis/scheduler/scheduler.hpp>

namespace localis::scheduler {

/// Wraps any scheduler: when the loss has risen, the boundary moves back for some epochs.
///
///   after epoch E:  a retreat of `epochs` epochs begins   iff   none is under way and l_E > tolerance * best
///   in a retreat:   T' = max( T - retreat, lowest ),   T where T <= lowest;   else T' = T of `base`
///
///   l_E   validation loss of epoch E, or its training loss if there is no validation
///   best  lowest of the losses l before E
///
/// No retreat begins during a retreat, so at least one epoch between two retreats follows `base`. In a retreat the
/// stages [T', T) take the gradient rate of stage T. `base` continues meanwhile: it observes its own boundary with the
/// update norm of stage T, which learns by gradient in either case. To interleave steps as well, wrap this scheduler:
/// interleaved{retreat_on_loss{...}}. The trainer keeps memory for boundaries down to `lowest`.
///
/// Units:  tolerance dimensionless, retreat and lowest in stages, epochs in epochs. Losses are at least 0.
/// Errors: start() throws config_error unless tolerance is finite and at least 1, if retreat or epochs is 0, if
///         `lowest` lies beyond schedule_limits::highest, and what `base` throws.
/// Source: ours.
template <class Base>
struct retreat_on_loss {
  static_assert(check_scheduler<Base>());

  Base base{};
  double tolerance = 1.1;
  std::size_t retreat = 1;
  std::size_t epochs = 1;
  std::size_t lowest = 0;  ///< the lowest boundary of a retreat

  /// The losses seen so far; `base` has its own state.
  struct run_state {
    std::size_t highest = 0;
    std::size_t steps_per_epoch = 1;
    std::size_t left = 0;  ///< remaining epochs of the present retreat, the next one included
    double best = std::numeric_limits<double>::infinity();
    friend bool operator==(const run_state&, const run_state&) = default;
  };
  run_state state{};

  void start(const schedule_limits& limits) {
    expect(is_finite(tolerance) && tolerance >= 1, "scheduler::retreat_on_loss.tolerance",
           "a finite number of at least 1", tolerance);
    expect(retreat >= 1, "scheduler::retreat_on_loss.retreat", "at least 1 stage", retreat);
    expect(epochs >= 1, "scheduler::retreat_on_loss.epochs", "at least 1 epoch", epochs);
    expect_allowed("scheduler::retreat_on_loss.lowest", lowest, limits);
    state = {.highest = limits.highest, .steps_per_epoch = limits.steps_per_epoch};
    localis::scheduler::start(base, limits);
  }

  void observe(const epoch_observation& seen) {
    if (state.left > 0) {
      --state.left;
      observe_own(seen);
    } else {
      if (loss_of(seen) > tolerance * state.best) state.left = epochs;
      localis::scheduler::observe(base, seen);
    }
    state.best = std::fmin(state.best, loss_of(seen));
  }

  [[nodiscard]] std::size_t boundary(std::size_t epoch, std::size_t step) const {
    return drawn_back(base.boundary(epoch, step));
  }
  [[nodiscard]] std::size_t base_boundary(std::size_t epoch, std::size_t step) const {
    return drawn_back(own_boundary(epoch, step));
  }
  [[nodiscard]] std::size_t lowest_boundary(std::size_t epoch) const {
    return (std::min)(lowest, localis::scheduler::lowest_boundary(base, epoch));
  }
  [[nodiscard]] std::size_t highest_boundary(std::size_t epoch) const requires has_highest_boundary<Base> {
    return base.highest_boundary(epoch);
  }
  [[nodiscard]] differentiated_part differentiated(std::size_t epoch) const {
    return localis::scheduler::differentiated(base, epoch);
  }
  [[nodiscard]] double gradient_scale(std::size_t epoch, std::size_t step, std::size_t stage) const {
    const std::size_t own = own_boundary(epoch, step);
    const bool regained = stage >= drawn_back(own) && stage < own;
    return localis::scheduler::gradient_scale(base, epoch, step, regained ? own : stage);
  }

  friend bool operator==(const retreat_on_loss&, const retreat_on_loss&) = default;

 private:
  [[nodiscard]] static double loss_of(const epoch_observation& seen) {
    return is_nan(seen.validation_loss) ? seen.loss : seen.validation_loss;
  }

  /// The base boundary of `base`, clamped as the trainer does.
  [[nodiscard]] std::size_t own_boundary(std::size_t epoch, std::size_t step) const {
    return (std::min)(localis::scheduler::base_boundary(base, epoch, step), state.highest);
  }

  [[nodiscard]] std::size_t drawn_back(std::size_t planned) const {
    const std::size_t clamped = (std::min)(planned, state.highest);
    if (state.left == 0 || clamped <= lowest) return clamped;
    return clamped - (std::min)(retreat, clamped - lowest);
  }

  void observe_own(epoch_observation seen) {
    seen.boundary = own_boundary(seen.epoch, state.steps_per_epoch - 1);
    seen.update_norm = seen.boundary < seen.stage_update_norms.size() ? seen.stage_update_norms[seen.boundary]
                                                                      : std::numeric_limits<double>::quiet_NaN();
    localis::scheduler::observe(base, seen);
  }
};

template <class Base, class... Rest>
retreat_on_loss(Base, Rest...) -> retreat_on_loss<scheduler_of<Base>>;

}  // namespace localis::scheduler
