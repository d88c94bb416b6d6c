#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <localis/supervision/loss_sign.hpp>

using localis::supervision::loss_sign;

namespace {

/// The gain before any loss and after each of them.
std::vector<double> gains(const loss_sign& policy, const std::vector<double>& losses) {
  loss_sign::state seen;
  std::vector<double> result{policy.gain(seen)};
  for (const double loss : losses) {
    policy.observe(seen, loss);
    result.push_back(policy.gain(seen));
  }
  return result;
}

}  // namespace

TEST_CASE("loss_sign: increase below the mean of the earlier losses, decrease above, 1 at it") {
  // with smoothing 1/2: against 4; against (4/2 + 2) / (3/2) = 8/3; against (4/4 + 2/2 + 3) / (7/4) = 20/7
  CHECK(gains({.increase = 3, .decrease = 0.25, .smoothing = 0.5}, {4, 2, 3, 2.8}) ==
        std::vector<double>{1, 1, 3, 0.25, 3});
  CHECK(gains({.increase = 3, .decrease = 0.25, .smoothing = 0}, {4, 4}) == std::vector<double>{1, 1, 1});
}

TEST_CASE("loss_sign: the size of the difference does not matter, nor the sign of the loss") {
  CHECK(gains({}, {4, 3.999})[2] == 1.5);
  CHECK(gains({}, {4, -100})[2] == 1.5);
  CHECK(gains({}, {-4, 0})[2] == 0.5);
  CHECK(gains({}, {4, 1e300})[2] == 0.5);
}

TEST_CASE("loss_sign: bad parameters") {
  constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH_AS(loss_sign{.increase = 0.5}.validate(),
                       "supervision::loss_sign.increase: expected a finite gain of at least 1, found 0.5",
                       localis::config_error);
  CHECK_THROWS_WITH_AS(loss_sign{.decrease = 1.5}.validate(),
                       "supervision::loss_sign.decrease: expected a gain in [0, 1], found 1.5", localis::config_error);
  CHECK_THROWS_WITH_AS(loss_sign{.smoothing = 1}.validate(),
                       "supervision::loss_sign.smoothing: expected a number in [0, 1), found 1", localis::config_error);
  CHECK_THROWS_AS(loss_sign{.increase = not_a_number}.validate(), localis::config_error);
  CHECK_THROWS_AS(loss_sign{.decrease = not_a_number}.validate(), localis::config_error);
  CHECK_THROWS_AS(loss_sign{.smoothing = not_a_number}.validate(), localis::config_error);
  loss_sign{}.validate();
}
