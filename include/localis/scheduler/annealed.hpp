#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

#include <localis/scheduler/callable.hpp>
#include <localis/scheduler/scheduler.hpp>

namespace localis::scheduler {

/// Wraps a scheduler whose boundary depends on time alone: the learning rate of each stage falls to 0 along a cosine of
/// its own, which ends as the boundary passes the stage. freeze_out does so with a boundary of its own.
///
///   T = T of `base`
///   factor on the gradient rate of stage i:  (1 + cos(pi p / t_i)) / 2,  over t_i where scale_rates;  0 from t_i on
///
///   p    fraction of the run's steps that are done
///   t_i  fraction of the run at which the base boundary first lies beyond stage i; 1 if it never does
///
/// The factors contain the cosine already: use learning_rate::constant. With scale_rates, the sum of rates over the run
/// is the same for every stage. A stage that the boundary has passed once takes no more gradient steps.
///
/// Units:  t_i and p are fractions of the run.
/// Cost:   start() asks `base` for the boundary of every step of the run.
/// Errors: those of `base`.
/// Source: follows A. Brock et al. (see freeze_out); with the boundary of another scheduler it is ours.
template <class Base>
struct annealed {
  static_assert(check_scheduler<Base>());
  static_assert(!has_observe<Base>,
                "localis: scheduler::annealed must know when the boundary will move; its base learns that from epochs "
                "that it observes. Expected: a scheduler without observe()");

  Base base{};
  bool scale_rates = false;

  struct run_state {
    double steps = 1;  ///< of the run
    std::size_t steps_per_epoch = 1;
    std::vector<std::size_t> ends{};  ///< of each stage: the step, counted from the start of the run, of t_i
    friend bool operator==(const run_state&, const run_state&) = default;
  };
  run_state state{};

  void start(const schedule_limits& limits) {
    localis::scheduler::start(base, limits);
    const std::size_t steps = limits.epochs * limits.steps_per_epoch;
    state = {static_cast<double>(steps), limits.steps_per_epoch, {}};
    for (std::size_t step = 0; step < steps; ++step) {
      const std::size_t passed =
          (std::min)(base_boundary(step / limits.steps_per_epoch, step % limits.steps_per_epoch), limits.highest);
      while (state.ends.size() < passed) state.ends.push_back(step);
    }
    state.ends.resize(limits.stages, steps);
  }

  [[nodiscard]] std::size_t boundary(std::size_t epoch, std::size_t step) const { return base.boundary(epoch, step); }
  [[nodiscard]] std::size_t base_boundary(std::size_t epoch, std::size_t step) const {
    return localis::scheduler::base_boundary(base, epoch, step);
  }
  [[nodiscard]] std::size_t lowest_boundary(std::size_t epoch) const {
    return localis::scheduler::lowest_boundary(base, epoch);
  }
  [[nodiscard]] std::size_t highest_boundary(std::size_t epoch) const requires has_highest_boundary<Base> {
    return base.highest_boundary(epoch);
  }

  [[nodiscard]] differentiated_part differentiated(std::size_t epoch) const {
    return localis::scheduler::differentiated(base, epoch);
  }
  [[nodiscard]] double gradient_scale(std::size_t epoch, std::size_t step, std::size_t stage) const {
    const std::size_t done = epoch * state.steps_per_epoch + step;
    if (done >= state.ends[stage]) return 0;
    const auto end = static_cast<double>(state.ends[stage]);
    const double factor = (1 + std::cos(std::numbers::pi * static_cast<double>(done) / end)) / 2;
    return localis::scheduler::gradient_scale(base, epoch, step, stage) *
           (scale_rates ? factor * state.steps / end : factor);
  }

  friend bool operator==(const annealed&, const annealed&) = default;
};

template <class Base, class... Rest>
annealed(Base, Rest...) -> annealed<scheduler_of<Base>>;

}  // namespace localis::scheduler
