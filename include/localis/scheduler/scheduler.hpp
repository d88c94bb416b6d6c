#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <vector>

#include <localis/core/named.hpp>

/// A scheduler says where the boundary T lies: stages [0, T) learn locally, stages [T, L) by gradient.
///
/// The one thing it must have is `std::size_t boundary(std::size_t epoch, std::size_t step) const`. Epochs count from
/// 0, steps from 0 within their epoch. The trainer clamps every answer to schedule_limits::highest; a scheduler need
/// not. Everything else is optional, and the free functions below supply what is missing:
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
///
/// What a scheduler has become must follow from start() and from what observe() was told, in order: a stored run is
/// taken up by telling a fresh one of the epochs before (train/stored_run.hpp).
///
/// Schedulers are asked on the host, once per step, and observe once per epoch.
namespace localis {

/// What a run allows; handed to a scheduler before the first epoch.
struct schedule_limits {
  std::size_t stages = 1;           ///< L, stages of the network
  std::size_t highest = 0;          ///< highest boundary allowed: min(first stage whose rule is gradient, L - 1)
  std::size_t epochs = 1;           ///< epochs of the run
  std::size_t steps_per_epoch = 1;  ///< batches of an epoch

  friend bool operator==(const schedule_limits&, const schedule_limits&) = default;
};

/// What an epoch showed; handed to a scheduler after it.
struct epoch_observation {
  std::size_t epoch = 0;       ///< the epoch that just ended
  std::size_t boundary = 0;    ///< its base boundary, after clamping
  double update_norm = 0;      ///< mean of norm_F(dW) / rate of the transition stage, steps at the base boundary only
  double loss = 0;             ///< mean training loss
  double validation_loss = 0;  ///< NaN where there is no validation split
  double validation_accuracy = 0;  ///< share of right answers in [0, 1]; NaN where there is no validation split
  /// By stage, mean of norm_F(dW) / rate over the steps that it took by gradient, each at its own rate; NaN: none.
  std::vector<double> stage_update_norms{};
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

namespace detail {

struct member_names {
  int start, observe, lowest_boundary, highest_boundary, base_boundary, gradient_scale;
};
/// `&without<S>::start` compiles where S names no such member.
template <class S>
using without = localis::detail::named_twice<S, member_names>;

}  // namespace detail

// An optional member that is there under its name but cannot be called would be skipped without a word.
template <class S>
concept optional_members_fit = (has_start<S> || requires { &detail::without<S>::start; }) &&
                               (has_observe<S> || requires { &detail::without<S>::observe; }) &&
                               (has_lowest_boundary<S> || requires { &detail::without<S>::lowest_boundary; }) &&
                               (has_highest_boundary<S> || requires { &detail::without<S>::highest_boundary; }) &&
                               (has_base_boundary<S> || requires { &detail::without<S>::base_boundary; }) &&
                               (has_gradient_scale<S> || requires { &detail::without<S>::gradient_scale; });

template <class S>
concept scheduler = std::copy_constructible<S> && boundary_is_integral<S> && optional_members_fit<S>;

/// Explains at compile time, in one message, what keeps S from being a scheduler. Always true: the message is the
/// error.
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
                  "double gradient_scale(std::size_t epoch, std::size_t step, std::size_t stage) const");
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

}  // namespace scheduler
}  // namespace localis
