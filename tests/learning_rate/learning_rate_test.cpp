#include <doctest/doctest.h>

#include <localis/learning_rate/learning_rate.hpp>

namespace lr = localis::learning_rate;

TEST_CASE("learning_rate: a lambda is one, and needs no validate()") {
  const auto halving = [](double epoch, double epochs) { return epoch < epochs / 2 ? 1.0 : 0.5; };
  static_assert(lr::learning_rate<decltype(halving)>);
  static_assert(!lr::has_validate<decltype(halving)>);
  lr::validate(halving);

  const auto of_epoch = [](double) { return 1.0; };
  static_assert(!lr::learning_rate<decltype(of_epoch)>);
  const auto of_nothing_useful = [](double, double) { return nullptr; };
  static_assert(!lr::learning_rate<decltype(of_nothing_useful)>);
  static_assert(!lr::learning_rate<double>);
}

TEST_CASE("learning_rate: validate() is called where there is one") {
  struct never {
    double operator()(double, double) const { return 0; }
    void validate() const { throw localis::config_error("never"); }
  };
  CHECK_THROWS_AS(lr::validate(never{}), localis::config_error);
}
