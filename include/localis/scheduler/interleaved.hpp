#pragma once

#include <algorithm>
#include <cstddef>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/scheduler/callable.hpp>
#include <localis/scheduler/scheduler.hpp>

namespace localis::scheduler {

/// Wraps any scheduler: every k-th step of the run trains the whole network by gradient.
///
///   T(e, s) = 0  where (e * steps_per_epoch + s + 1) % every == 0,   T of `base` elsewhere
///
/// In those steps the gradient rate of the stages below the base boundary is multiplied by `rate_scale`, since such a
/// stage takes a gradient step only once in `every` steps. Peak memory is that of plain gradient descent.
///
/// Units:  every in steps, rate_scale dimensionless.
/// Errors: start() throws config_error if every < 2 or rate_scale is negative or not finite, and what `base` throws.
/// Source: ours.
template <class Base>
struct interleaved {
  static_assert(check_scheduler<Base>());

  Base base{};
  std::size_t every = 4;
  double rate_scale = 3;

  /// Extents of the run; `base` has its own state.
  struct run_state {
    std::size_t steps_per_epoch = 0;
    std::size_t highest = 0;
    friend bool operator==(const run_state&, const run_state&) = default;
  };
  run_state state{};

  void start(const schedule_limits& limits) {
    expect(every >= 2, "scheduler::interleaved.every", "at least 2 steps", every);
    expect(is_finite(rate_scale) && rate_scale >= 0, "scheduler::interleaved.rate_scale",
           "a finite number of at least 0", rate_scale);
    state = {limits.steps_per_epoch, limits.highest};
    localis::scheduler::start(base, limits);
  }

  void observe(const epoch_observation& seen) { localis::scheduler::observe(base, seen); }

  [[nodiscard]] std::size_t boundary(std::size_t epoch, std::size_t step_of_epoch) const {
    return whole_network(epoch, step_of_epoch) ? 0 : base.boundary(epoch, step_of_epoch);
  }
  [[nodiscard]] std::size_t base_boundary(std::size_t epoch, std::size_t step_of_epoch) const {
    return localis::scheduler::base_boundary(base, epoch, step_of_epoch);
  }
  [[nodiscard]] std::size_t lowest_boundary(std::size_t) const { return 0; }
  [[nodiscard]] std::size_t highest_boundary(std::size_t epoch) const requires has_highest_boundary<Base> {
    return base.highest_boundary(epoch);
  }
  [[nodiscard]] differentiated_part differentiated(std::size_t epoch) const {
    return localis::scheduler::differentiated(base, epoch);
  }
  [[nodiscard]] double gradient_scale(std::size_t epoch, std::size_t step_of_epoch, std::size_t stage) const {
    const double scale = localis::scheduler::gradient_scale(base, epoch, step_of_epoch, stage);
    const bool reached =
        whole_network(epoch, step_of_epoch) && stage < (std::min)(base_boundary(epoch, step_of_epoch), state.highest);
    return reached ? scale * rate_scale : scale;
  }

  friend bool operator==(const interleaved&, const interleaved&) = default;

 private:
  [[nodiscard]] bool whole_network(std::size_t epoch, std::size_t step_of_epoch) const {
    return (epoch * state.steps_per_epoch + step_of_epoch + 1) % every == 0;
  }
};

template <class Base, class... Rest>
interleaved(Base, Rest...) -> interleaved<scheduler_of<Base>>;

}  // namespace localis::scheduler
