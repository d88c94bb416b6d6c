#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>

#include <localis/learning_rate/learning_rate.hpp>

namespace localis::learning_rate {

/// Half a cosine from `rate` at the start to `last` at the end of the run.
///
///   r(t) = last + (rate - last) * (1 + cos(pi t / epochs)) / 2,   rate before and last beyond it;
///                                                                 rate in a run of no length
///
/// Units:  t and epochs in epochs, with fractions; rates dimensionless.
/// Errors: validate() throws config_error if rate or last is negative or not finite.
/// Source: one period, without restarts, of I. Loshchilov, F. Hutter, SGDR, arXiv 1608.03983 (2016).
struct cosine {
  double rate = 0.1;
  double last = 0;

  void validate() const {
    expect_rate("learning_rate::cosine.rate", rate);
    expect_rate("learning_rate::cosine.last", last);
  }

  [[nodiscard]] double operator()(double epoch, double epochs) const {
    const double fraction = epochs > 0 ? std::clamp(epoch / epochs, 0.0, 1.0) : 0.0;
    return last + (rate - last) * (1 + std::cos(std::numbers::pi * fraction)) / 2;
  }

  friend bool operator==(const cosine&, const cosine&) = default;
};

static_assert(learning_rate<cosine>);

}  // namespace localis::learning_rate
