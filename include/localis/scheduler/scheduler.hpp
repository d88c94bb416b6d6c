#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <vector>

#include <localis/core/named.hpp>

/// A scheduler places the boundary T: stages [0, T) learn locally, stages [T, L) learn by gradient.
///
/// Its one required member is `std::size_t boundary(std::size_t epoch, std::size_t step) const`. Epochs count from 0,
/// steps from 0 within their epoch. The trainer clamps the result to schedule_limits::highest, so a scheduler need not.
/// All other members are optional, and the free functions below supply defaults:
///
///   start(limits)                  called once, before all else: check parameters, reset the run state
///   observe(epoch_observation)     called after each epoch
///   lowest_boundary(epoch)         a promise: no boundary of this epoch or a later one lies below. It never falls from
///                                  one epoch to the next. Memory that only lower boundaries need is freed. Default 0.
///   highest_boundary(epoch)        a promise: no boundary of this epoch lies above. Memory is planned for it. Default:
///                                  schedule_limits::highest
///   base_boundary(epoch, step)     the boundary without exceptions for single steps. Default boundary(epoch, step).
///   gradient_scale(epoch, step, stage)
///                                  factor on the gradient rate of a stage in this step, finite and at least 0,
///                                  dimensionless; of no effect on a stage that learns locally. Default 1.
///   differentiated(epoch)          a differentiated_part: the part of each batch of this epoch from which the stages
///                                  before the boundary learn by gradient, and not by their rules. Default none.
///
/// The state of a scheduler must follow from start() and from the calls of observe() alone, in their order: to resume a
/// stored run, the trainer shows the earlier epochs to a fresh scheduler (train/stored_run.hpp).
///
/// Schedulers run on the host: boundary() once per step, observe() once per epoch.
namespace localis {

/// The limits of a run, which a scheduler gets before the first epoch.
struct schedule_limits {
  std::size_t stages = 1;           ///< L, stages of the network
  std::size_t highest = 0;          ///< highest boundary allowed: min(first stage whose rule is gradient, L - 1)
  std::size_t epochs = 1;           ///< epochs of the run
  std::size_t steps_per_epoch = 1;  ///< batches of an epoch

  friend bool operator==(const schedule_limits&, const schedule_limits&) = default;
};

/// The measurements of an epoch, which a scheduler gets after it.
struct epoch_observation {
  std::size_t epoch = 0;     ///< the epoch that just ended
  std::size_t boundary = 0;  ///< its base boundary, after clamping
  double update_norm = 0;    ///< mean of norm_F(dW) / rate of the transition stage, over the steps at the base boundary
  double loss = 0;           ///< mean training loss
  double validation_loss = 0;      ///< NaN without a validation split
  double validation_accuracy = 0;  ///< fraction of correct predictions; NaN without a validation split
  /// For each stage, the mean of norm_F(dW) / rate over the steps that it took by gradient, each with its own rate; NaN
  /// if there were none.
  std::vector<double> stage_update_norms{};
};

/// The part of a batch that is differentiated before the boundary (step_options::part_samples).
struct differentiated_part {
  double fraction = 0;          ///< of the batch, in [0, 1]; 0: none
  bool largest_losses = false;  ///< the samples of the largest losses, by a forward pass before the step; else random

  friend bool operator==(const differentiated_part&, const differentiated_part&) = default;
};

namespace scheduler {

template <class T>
concept boundary_value = std::unsigned_integral<std::remove_cvref_t<T>> && !std::same_as<std::remove_cvref_t<T>, bool>;

template <class S>
concept has_boundary = requires(const S& s, std::size_t n) {
  s.boundary(n, n);
};

template <class S>
concept boundary_is_integral = requires(const S& s, std::size_t n) {
  { s.boundary(n, n) } -> boundary_value;
};

template <class S>
concept has_start = requires(S& s, const schedule_limits& limits) {
  s.start(limits);
};

template <class S>
concept has_observe = requires(S& s, const epoch_observation& seen) {
  s.observe(seen);
};

template <class S>
concept has_lowest_boundary = requires(const S& s, std::size_t n) {
  { s.lowest_boundary(n) } -> boundary_value;
};

template <class S>
concept has_highest_boundary = requires(const S& s, std::size_t n) {
  { s.highest_boundary(n) } -> boundary_value;
};

template <class S>
concept has_base_boundary = requires(const S& s, std::size_t n) {
  { s.base_boundary(n, n) } -> boundary_value;
};

template <class S>
concept has_gradient_scale = requires(const S& s, std::size_t n) {
  { s.gradient_scale(n, n, n) } -> std::convertible_to<double>;
};

template <class S>
concept has_differentiated = requires(const S& s, std::size_t n) {
  { s.differentiated(n) } -> std::same_as<differentiated_part>;
};

namespace detail {

struct member_names {
  int start, observe, lowest_boundary, highest_boundary, base_boundary, gradient_scale, differentiated;
};
/// `&absent<S>::start` compiles if S has no member of that name.
template <class S>
using absent = localis::detail::named_twice<S, member_names>;

}  // namespace detail

// An optional member that has the right name but cannot be called would be skipped silently.
template <class S>
concept optional_members_fit = (has_start<S> || requires { &detail::absent<S>::start; }) &&
                               (has_observe<S> || requires { &detail::absent<S>::observe; }) &&
                               (has_lowest_boundary<S> || requires { &detail::absent<S>::lowest_boundary; }) &&
                               (has_highest_boundary<S> || requires { &detail::absent<S>::highest_boundary; }) &&
                               (has_base_boundary<S> || requires { &detail::absent<S>::base_boundary; }) &&
                               (has_gradient_scale<S> || requires { &detail::absent<S>::gradient_scale; }) &&
                               (has_differentiated<S> || requires { &detail::absent<S>::differentiated; });

template <class S>
concept scheduler = std::copy_constructible<S> && boundary_is_integral<S> && optional_members_fit<S>;

/// Explains at compile time, in one message, what keeps S from being a scheduler. The value is always true: the message
/// is the compile error.
template <class S>
constexpr bool check_scheduler() {
  if constexpr (!std::copy_constructible<S>) {
    static_assert(std::copy_constructible<S>, "localis: a scheduler is a plain value; yours cannot be copied.");
  } else if constexpr (!has_boundary<S>) {
    static_assert(has_boundary<S>,
                  "localis: a scheduler must have a const member boundary(epoch, step); yours has none. "
                  "Expected: std::size_t boundary(std::size_t epoch, std::size_t step) const, "
                  "or a function of (epoch) or (epoch, step) that returns a number");
  } else if constexpr (!boundary_is_integral<S>) {
    static_assert(boundary_is_integral<S>,
                  "localis: a scheduler's boundary(epoch, step) must return std::size_t; yours returns another type. "
                  "Expected: std::size_t boundary(std::size_t epoch, std::size_t step) const");
  } else {
    static_assert(optional_members_fit<S>,
                  "localis: an optional member of your scheduler has another signature than expected. Expected: "
                  "void start(const schedule_limits&); void observe(const epoch_observation&); "
                  "std::size_t lowest_boundary(std::size_t epoch) const; "
                  "std::size_t highest_boundary(std::size_t epoch) const; "
                  "std::size_t base_boundary(std::size_t epoch, std::size_t step) const; "
                  "double gradient_scale(std::size_t epoch, std::size_t step, std::size_t stage) const; "
                  "differentiated_part differentiated(std::size_t epoch) const");
  }
  return true;
}

template <class S>
void start(S& s, const schedule_limits& limits) {
  if constexpr (has_start<S>) s.start(limits);
}

template <class S>
void observe(S& s, const epoch_observation& seen) {
  if constexpr (has_observe<S>) s.observe(seen);
}

template <class S>
[[nodiscard]] std::size_t lowest_boundary(const S& s, std::size_t epoch) {
  if constexpr (has_lowest_boundary<S>) {
    return s.lowest_boundary(epoch);
  } else {
    return 0;
  }
}

template <class S>
[[nodiscard]] std::size_t highest_boundary(const S& s, std::size_t epoch, std::size_t otherwise) {
  if constexpr (has_highest_boundary<S>) {
    return s.highest_boundary(epoch);
  } else {
    return otherwise;
  }
}

template <class S>
[[nodiscard]] std::size_t base_boundary(const S& s, std::size_t epoch, std::size_t step) {
  if constexpr (has_base_boundary<S>) {
    return s.base_boundary(epoch, step);
  } else {
    return s.boundary(epoch, step);
  }
}

template <class S>
[[nodiscard]] double gradient_scale(const S& s, std::size_t epoch, std::size_t step, std::size_t stage) {
  if constexpr (has_gradient_scale<S>) {
    return s.gradient_scale(epoch, step, stage);
  } else {
    return 1;
  }
}

template <class S>
[[nodiscard]] differentiated_part differentiated(const S& s, std::size_t epoch) {
  if constexpr (has_differentiated<S>) {
    return s.differentiated(epoch);
  } else {
    return {};
  }
}

}  // namespace scheduler
}  // namespace localis
