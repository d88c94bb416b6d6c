#include <doctest/doctest.h>

#include <localis/learning_rate/cosine.hpp>

using localis::learning_rate::cosine;

TEST_CASE("cosine: from rate to last in half a wave") {
  const cosine rate{.rate = 0.9, .last = 0.1};
  rate.validate();
  CHECK(rate(0, 12) == doctest::Approx(0.9));
  CHECK(rate(4, 12) == doctest::Approx(0.7));  // cos(pi/3) = 1/2:   0.1 + 0.8 * 0.75
  CHECK(rate(6, 12) == doctest::Approx(0.5));  // cos(pi/2) = 0:     0.1 + 0.8 * 0.5
  CHECK(rate(8, 12) == doctest::Approx(0.3));  // cos(2pi/3) = -1/2: 0.1 + 0.8 * 0.25
  CHECK(rate(12, 12) == doctest::Approx(0.1));
  CHECK(rate(15, 12) == doctest::Approx(0.1));  // beyond the end
  CHECK(rate(-1, 12) == doctest::Approx(0.9));
  CHECK(rate(0, 0) == doctest::Approx(0.9));  // no length
}

TEST_CASE("cosine: bad parameters") {
  CHECK_THROWS_WITH_AS(cosine{.rate = -1}.validate(),
                       "learning_rate::cosine.rate: expected a finite number of at least 0, found -1",
                       localis::config_error);
  CHECK_THROWS_WITH_AS(cosine{.last = -2}.validate(),
                       "learning_rate::cosine.last: expected a finite number of at least 0, found -2",
                       localis::config_error);
}
