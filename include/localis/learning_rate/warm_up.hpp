#pragma once

#include <algorithm>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/learning_rate/learning_rate.hpp>

namespace localis::learning_rate {

/// Any learning rate, after a linear rise to its first value.
///
///   r(t) = base(0, n) * (s + (1 - s) * t / w)   for t < w,      base(t - w, n) after
///
///   s  start_factor
///   w  epochs of the rise
///   n  epochs - w, what is left of the run, at least 0
///
/// So `base` is shifted, not cut: it covers its whole range in the rest of the run.
///
/// Units:  epochs in epochs, fractions allowed; start_factor is a fraction of the first rate.
/// Limits: with start_factor = 0 the very first step has rate 0.
/// Errors: validate() throws config_error if epochs is negative or not finite, if `start_factor` is outside [0, 1],
///         and what `base` throws.
template <class Base>
struct warm_up {
  static_assert(learning_rate<Base>,
                "localis: warm_up needs a learning rate to warm up to; its base is none. "
                "Expected: double operator()(double epoch, double epochs) const");

  Base base{};
  double epochs = 1;
  double start_factor = 0;

  void validate() const {
    expect(is_finite(epochs) && epochs >= 0, "learning_rate::warm_up.epochs", "a finite number of epochs, at least 0",
           epochs);
    expect(is_finite(start_factor) && start_factor >= 0 && start_factor <= 1, "learning_rate::warm_up.start_factor",
           "a fraction in [0, 1]", start_factor);
    localis::learning_rate::validate(base);
  }

  [[nodiscard]] double operator()(double epoch, double run_epochs) const {
    const double rest = (std::max)(run_epochs - epochs, 0.0);
    if (epoch < epochs) return base(0.0, rest) * (start_factor + (1 - start_factor) * epoch / epochs);
    return base(epoch - epochs, rest);
  }

  friend bool operator==(const warm_up&, const warm_up&) = default;
};

template <class Base, class... Rest>
warm_up(Base, Rest...) -> warm_up<Base>;

}  // namespace localis::learning_rate
