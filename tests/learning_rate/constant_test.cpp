#include <limits>

#include <doctest/doctest.h>

#include <localis/learning_rate/constant.hpp>

using localis::learning_rate::constant;

TEST_CASE("constant: the same at any time") {
  const constant rate{.rate = 0.25};
  rate.validate();
  CHECK(rate(0, 10) == 0.25);
  CHECK(rate(9.5, 10) == 0.25);
  CHECK(rate != constant{.rate = 0.5});
}

TEST_CASE("constant: bad rates, and 0 is none") {
  constant{.rate = 0}.validate();
  CHECK_THROWS_WITH_AS(constant{.rate = -0.1}.validate(),
                       "learning_rate::constant.rate: expected a finite number of at least 0, found -0.1",
                       localis::config_error);
  CHECK_THROWS_WITH_AS(constant{.rate = std::numeric_limits<double>::infinity()}.validate(),
                       "learning_rate::constant.rate: expected a finite number of at least 0, found inf",
                       localis::config_error);
  CHECK_THROWS_AS(constant{.rate = std::numeric_limits<double>::quiet_NaN()}.validate(), localis::config_error);
}
