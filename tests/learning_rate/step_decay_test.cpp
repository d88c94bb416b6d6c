#include <doctest/doctest.h>

#include <localis/learning_rate/step_decay.hpp>

using localis::learning_rate::step_decay;

TEST_CASE("step_decay: a tenth every three epochs") {
  const step_decay rate{.rate = 0.5, .factor = 0.1, .every = 3};
  rate.validate();
  CHECK(rate(0, 10) == doctest::Approx(0.5));
  CHECK(rate(2.99, 10) == doctest::Approx(0.5));
  CHECK(rate(3, 10) == doctest::Approx(0.05));
  CHECK(rate(5.5, 10) == doctest::Approx(0.05));
  CHECK(rate(6, 10) == doctest::Approx(0.005));
}

TEST_CASE("step_decay: an interval that rounding leaves short is whole") {
  const step_decay rate{.rate = 8, .factor = 0.5, .every = 0.1};
  REQUIRE(0.3 / 0.1 < 3);
  CHECK(rate(0.3, 1) == doctest::Approx(1));
}

TEST_CASE("step_decay: bad parameters") {
  CHECK_THROWS_WITH_AS(step_decay{.rate = -1}.validate(),
                       "learning_rate::step_decay.rate: expected a finite number of at least 0, found -1",
                       localis::config_error);
  CHECK_THROWS_WITH_AS(step_decay{.factor = -2}.validate(),
                       "learning_rate::step_decay.factor: expected a finite number of at least 0, found -2",
                       localis::config_error);
  CHECK_THROWS_WITH_AS(step_decay{.every = 0}.validate(),
                       "learning_rate::step_decay.every: expected a finite number of epochs above 0, found 0",
                       localis::config_error);
}
