#pragma once

#include <cstddef>

#include <localis/core/error.hpp>
#include <localis/scheduler/callable.hpp>
#include <localis/scheduler/scheduler.hpp>

namespace localis::scheduler {

/// Wraps any scheduler: the stages before its boundary learn by gradient too, from a part of each batch.
///
///   T = T of `base`
///   gradient of a stage before T:  (1 / K) sum_{n < K} dl_n/dW        K = round(fraction N), at least 1
///
///   N    samples of the batch, in random order, or in that of their losses, the largest first
///   l_n  loss of sample n
///
/// Activations before the boundary are kept for K samples, and so the memory of a step falls with the fraction.
/// Normalization there uses running statistics, as constants, and therefore does not mix samples: the mean of the
/// gradient over random orders is the gradient of the whole batch. With largest_losses, it is not.
///
///   trainer t{model, scheduler::part_batch{scheduler::fixed{3}, 0.25}, supervision::none{}, {.local_rate = 0}};
///
/// Units:  fraction dimensionless, in (0, 1]; 1 is gradient descent, with its memory and batch statistics.
/// Cost:   of the products before the boundary, all of those of the responses and `fraction` of the others. With
///         largest_losses, one more evaluation of each batch, and a copy of it on the host.
/// Errors: start() throws config_error for a fraction outside (0, 1], and what `base` throws; the trainer does for a
///         local rate above 0, for normalization by the statistics of a batch, for several ranks and for diagnose().
/// Source: random: ours, as stochastic gradient descent with a smaller batch. largest_losses: the mean over the K
///         largest losses of a batch is that of K. Kawaguchi, H. Lu, Ordered SGD, AISTATS 2020 (arXiv 1907.04371); to
///         apply it before a boundary alone, and to take the losses from an evaluation, is ours.
template <class Base>
struct part_batch {
  static_assert(check_scheduler<Base>());

  Base base{};
  double fraction = 0.25;
  bool largest_losses = false;

  /// The promise of a base that makes none.
  struct run_state {
    std::size_t highest = 0;
    friend bool operator==(const run_state&, const run_state&) = default;
  };
  run_state state{};

  void start(const schedule_limits& limits) {
    expect(fraction > 0 && fraction <= 1, "scheduler::part_batch.fraction", "a number in (0, 1]", fraction);
    state = {limits.highest};
    localis::scheduler::start(base, limits);
  }

  void observe(const epoch_observation& seen) { localis::scheduler::observe(base, seen); }

  [[nodiscard]] std::size_t boundary(std::size_t epoch, std::size_t step) const {
    return whole() ? 0 : base.boundary(epoch, step);
  }
  [[nodiscard]] std::size_t base_boundary(std::size_t epoch, std::size_t step) const {
    return whole() ? 0 : localis::scheduler::base_boundary(base, epoch, step);
  }
  [[nodiscard]] std::size_t lowest_boundary(std::size_t epoch) const {
    return whole() ? 0 : localis::scheduler::lowest_boundary(base, epoch);
  }
  [[nodiscard]] std::size_t highest_boundary(std::size_t epoch) const {
    return whole() ? 0 : localis::scheduler::highest_boundary(base, epoch, state.highest);
  }
  [[nodiscard]] double gradient_scale(std::size_t epoch, std::size_t step, std::size_t stage) const {
    return localis::scheduler::gradient_scale(base, epoch, step, stage);
  }
  [[nodiscard]] differentiated_part differentiated(std::size_t) const {
    if (whole()) return {};
    return {fraction, largest_losses};
  }

  friend bool operator==(const part_batch&, const part_batch&) = default;

 private:
  [[nodiscard]] bool whole() const { return fraction == 1; }
};

template <class Base, class... Rest>
part_batch(Base, Rest...) -> part_batch<scheduler_of<Base>>;

}  // namespace localis::scheduler
