#pragma once

#include <cmath>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/learning_rate/learning_rate.hpp>

namespace localis::learning_rate {

/// The rate is multiplied by a factor at regular intervals.
///
///   r(t) = rate * factor^floor(t / every)
///
/// Units:  every in epochs, fractions allowed; factor dimensionless.
/// Errors: validate() throws config_error if rate or factor is negative or not finite, or every is not above 0.
struct step_decay {
  double rate = 0.1;
  double factor = 0.1;
  double every = 10;

  void validate() const {
    expect_rate("learning_rate::step_decay.rate", rate);
    expect_rate("learning_rate::step_decay.factor", factor);
    expect(is_finite(every) && every > 0, "learning_rate::step_decay.every", "a finite number of epochs above 0",
           every);
  }

  [[nodiscard]] double operator()(double epoch, double) const {
    constexpr double slack = 1e-9;  // 0.3 / 0.1 is 2.9999999999999996 and means 3 intervals
    return rate * std::pow(factor, std::floor(epoch / every + slack));
  }

  friend bool operator==(const step_decay&, const step_decay&) = default;
};

static_assert(learning_rate<step_decay>);

}  // namespace localis::learning_rate
