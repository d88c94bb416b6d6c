#pragma once

#include <localis/learning_rate/learning_rate.hpp>

namespace localis::learning_rate {

/// A constant learning rate: r(t) = rate.
///
/// Errors: validate() throws config_error if the rate is negative or not finite.
struct constant {
  double rate = 0.1;

  void validate() const { expect_rate("learning_rate::constant.rate", rate); }
  [[nodiscard]] double operator()(double, double) const { return rate; }

  friend bool operator==(const constant&, const constant&) = default;
};

static_assert(learning_rate<constant>);

}  // namespace localis::learning_rate
