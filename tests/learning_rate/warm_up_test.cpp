#include <limits>
#include <type_traits>

#include <doctest/doctest.h>

#include <localis/learning_rate/constant.hpp>
#include <localis/learning_rate/cosine.hpp>
#include <localis/learning_rate/warm_up.hpp>

namespace lr = localis::learning_rate;

TEST_CASE("warm_up: a straight rise, then the whole of the base in what is left") {
  const lr::warm_up<lr::cosine> rate{.base = {.rate = 0.8}, .epochs = 2, .start_factor = 0.25};
  rate.validate();
  CHECK(rate(0, 10) == doctest::Approx(0.2));     // 0.8 * 0.25
  CHECK(rate(1, 10) == doctest::Approx(0.5));     // 0.8 * (0.25 + 0.75 / 2)
  CHECK(rate(1.5, 10) == doctest::Approx(0.65));  // 0.8 * (0.25 + 0.75 * 0.75)
  CHECK(rate(2, 10) == doctest::Approx(0.8));     // the base at 0 of 8
  CHECK(rate(6, 10) == doctest::Approx(0.4));     // the base at 4 of 8
  CHECK(rate(10, 10) == doctest::Approx(0));      // the base at 8 of 8
}

TEST_CASE("warm_up: a run that ends within it rises all the same") {
  const lr::warm_up<lr::cosine> rate{.base = {.rate = 0.8}, .epochs = 4};
  CHECK(rate(1, 2) == doctest::Approx(0.2));
}

TEST_CASE("warm_up: of no length it is its base") {
  const lr::warm_up<lr::cosine> rate{.base = {.rate = 0.8}, .epochs = 0};
  CHECK(rate(0, 10) == doctest::Approx(0.8));
  CHECK(rate(5, 10) == doctest::Approx(0.4));
}

TEST_CASE("warm_up: the base's type follows from the first argument") {
  const lr::warm_up rate{lr::constant{.rate = 0.5}, 2.0};
  static_assert(std::is_same_v<decltype(rate), const lr::warm_up<lr::constant>>);
  CHECK(rate(1, 10) == doctest::Approx(0.25));
  CHECK(rate == lr::warm_up<lr::constant>{.base = {.rate = 0.5}, .epochs = 2});
}

TEST_CASE("warm_up: bad parameters, its own and its base's") {
  using of_constant = lr::warm_up<lr::constant>;
  CHECK_THROWS_WITH_AS(of_constant{.epochs = -1}.validate(),
                       "learning_rate::warm_up.epochs: expected a finite number of epochs, at least 0, found -1",
                       localis::config_error);
  CHECK_THROWS_AS(of_constant{.epochs = std::numeric_limits<double>::infinity()}.validate(), localis::config_error);
  CHECK_THROWS_WITH_AS(of_constant{.start_factor = 1.5}.validate(),
                       "learning_rate::warm_up.start_factor: expected a fraction in [0, 1], found 1.5",
                       localis::config_error);
  CHECK_THROWS_WITH_AS((of_constant{.base = {.rate = -1}}.validate()),
                       "learning_rate::constant.rate: expected a finite number of at least 0, found -1",
                       localis::config_error);
}
