#pragma once

#include <concepts>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>

/// A learning rate is a function of time: `double operator()(double epoch, double epochs) const`.
///
///   epoch   time since the start of the run in epochs, with its fraction: epoch + step / steps_per_epoch
///   epochs  length of the run
///
/// The result is dimensionless. A lambda of that form is a learning rate too. Optional: `void validate() const`, which
/// throws config_error for a parameter out of range.
namespace localis::learning_rate {

template <class R>
concept learning_rate = std::copy_constructible<R> && requires(const R& rate, double time) {
  { rate(time, time) } -> std::convertible_to<double>;
};

template <class R>
concept has_validate = requires(const R& rate) {
  rate.validate();
};

// A validate() that cannot be called would be skipped silently.
template <class R>
concept validate_fits = has_validate<R> || !requires {
  &R::validate;
};

template <class R>
void validate(const R& rate) {
  if constexpr (has_validate<R>) rate.validate();
}

/// Throws config_error unless `value` is a rate that training can use.
inline void expect_rate(const char* name, double value) {
  expect(is_finite(value) && value >= 0, name, "a finite number of at least 0", value);
}

}  // namespace localis::learning_rate
