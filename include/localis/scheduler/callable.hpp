#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <type_traits>
#include <utility>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/scheduler/growth.hpp>
#include <localis/scheduler/scheduler.hpp>

namespace localis::scheduler {

template <class T>
concept schedule_value = std::is_arithmetic_v<std::remove_cvref_t<T>> && !std::same_as<std::remove_cvref_t<T>, bool>;

template <class F>
concept schedule_of_step = requires(const F& f, std::size_t n) {
  { f(n, n) } -> schedule_value;
};

template <class F>
concept schedule_of_epoch = requires(const F& f, std::size_t n) {
  { f(n) } -> schedule_value;
};

/// A scheduler made from any function of (epoch, step) or of (epoch), such as a lambda. The boundary is the integer
/// part of the returned integer or floating-point value. The trainer clamps it, so a large number means "as far as
/// allowed".
///
/// The function may return to lower boundaries, so the scheduler promises no lowest boundary, and no memory is freed.
///
/// Errors: boundary() throws config_error if the function returns a negative, infinite or NaN value.
template <class F>
struct callable {
  static_assert(schedule_of_step<F> || schedule_of_epoch<F>,
                "localis: a schedule must be callable, while const, as f(epoch, step) or f(epoch) and return a number. "
                "Expected for example: [](std::size_t epoch) { return epoch / 2; }");
  F function{};

  constexpr callable(F f) : function(std::move(f)) {}  // not explicit: a wrapper's member takes the function itself

  [[nodiscard]] std::size_t boundary(std::size_t epoch, std::size_t step_of_epoch) const {
    double value = 0;  // std::invoke: a function of int or double meets no conversion warning here
    if constexpr (schedule_of_step<F>) {
      value = static_cast<double>(std::invoke(function, epoch, step_of_epoch));
    } else {
      value = static_cast<double>(std::invoke(function, epoch));
    }
    if (!is_finite(value) || value < -boundary_slack) {
      throw config_error(text("scheduler::callable: expected a finite boundary of at least 0, found ", value,
                              " at epoch ", epoch, ", step ", step_of_epoch));
    }
    return whole_boundary(value);
  }

  friend bool operator==(const callable&, const callable&) = default;
};

/// Returns a scheduler as it is, and wraps anything else that can be called with an epoch, or with an epoch and a step.
template <class S>
[[nodiscard]] constexpr auto as_scheduler(S s) {
  if constexpr (!has_boundary<S> && (schedule_of_step<S> || schedule_of_epoch<S>)) {
    return callable<S>{std::move(s)};
  } else if constexpr (scheduler<S>) {
    return s;
  } else {
    static_assert(check_scheduler<S>());
    return callable{[](std::size_t) { return std::size_t{0}; }};  // so that only one error is printed
  }
}

/// The type of as_scheduler(S).
template <class S>
using scheduler_of = std::remove_cvref_t<decltype(as_scheduler(std::declval<S>()))>;

}  // namespace localis::scheduler
