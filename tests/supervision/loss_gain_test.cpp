#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <localis/supervision/loss_gain.hpp>

using localis::supervision::loss_gain;

namespace {

/// The gain before any loss and after each of them.
std::vector<double> gains(const loss_gain& policy, const std::vector<double>& losses) {
  loss_gain::state seen;
  std::vector<double> result{policy.gain(seen)};
  for (const double loss : losses) {
    policy.observe(seen, loss);
    result.push_back(policy.gain(seen));
  }
  return result;
}

}  // namespace

TEST_CASE("loss_gain: the mean of the earlier losses over the last one") {
  // losses 4, 2, 5 with smoothing 1/2
  //   after 4: nothing earlier                           -> 1
  //   after 2: m = 4                            4 / 2    -> 2
  //   after 5: m = (4/2 + 2) / (1/2 + 1) = 8/3  8/15     -> 0.5333
  const auto seen = gains({.lowest = 0.1, .highest = 10, .smoothing = 0.5}, {4, 2, 5});
  REQUIRE(seen.size() == 4);
  CHECK(seen[0] == 1.0);
  CHECK(seen[1] == 1.0);
  CHECK(seen[2] == doctest::Approx(2));
  CHECK(seen[3] == doctest::Approx(8.0 / 15));
}

TEST_CASE("loss_gain: the exponent") {
  CHECK(gains({.exponent = 2, .lowest = 0, .highest = 10}, {4, 2})[2] == doctest::Approx(4));
  CHECK(gains({.exponent = 0.5, .lowest = 0, .highest = 10}, {4, 1})[2] == doctest::Approx(2));
}

TEST_CASE("loss_gain: the bounds") {
  CHECK(gains({}, {4, 0.1})[2] == 2.0);
  CHECK(gains({}, {4, 100})[2] == 0.5);
}

TEST_CASE("loss_gain: without smoothing only the last but one counts") {
  CHECK(gains({.lowest = 0, .highest = 10, .smoothing = 0}, {100, 6, 2})[3] == doctest::Approx(3));
}

TEST_CASE("loss_gain: a steady loss is a gain of 1 however short the run") {
  for (const double gain : gains({}, {2.3, 2.3, 2.3, 2.3})) CHECK(gain == doctest::Approx(1));
}

TEST_CASE("loss_gain: losses of 0 and below") {
  CHECK(gains({}, {1, 0})[2] == 2.0);
  CHECK(gains({}, {0, 0})[2] == 2.0);
  CHECK(gains({}, {0, 1})[2] == 0.5);
  CHECK(gains({}, {1, -1})[2] == 2.0);
  CHECK(gains({}, {-1, 1})[2] == 0.5);
  CHECK(gains({.exponent = 0.5}, {-1, 1})[2] == 0.5);
  CHECK(gains({}, {1, std::numeric_limits<double>::denorm_min()})[2] == 2.0);
}

TEST_CASE("loss_gain: a copied state goes on alike") {
  const loss_gain policy{.lowest = 0, .highest = 10};
  loss_gain::state seen;
  policy.observe(seen, 3);
  policy.observe(seen, 2);
  loss_gain::state copy = seen;
  policy.observe(seen, 1);
  CHECK(copy != seen);
  policy.observe(copy, 1);
  CHECK(copy == seen);
  CHECK(policy.gain(copy) == policy.gain(seen));
}

TEST_CASE("loss_gain: bad parameters") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH_AS(loss_gain{.exponent = 0}.validate(),
                       "supervision::loss_gain.exponent: expected a finite number above 0, found 0",
                       localis::config_error);
  CHECK_THROWS_WITH_AS(loss_gain{.lowest = 1.5}.validate(),
                       "supervision::loss_gain.lowest: expected a gain in [0, 1], found 1.5", localis::config_error);
  CHECK_THROWS_WITH_AS(loss_gain{.highest = 0.5}.validate(),
                       "supervision::loss_gain.highest: expected a finite gain of at least 1, found 0.5",
                       localis::config_error);
  CHECK_THROWS_WITH_AS(loss_gain{.smoothing = 1}.validate(),
                       "supervision::loss_gain.smoothing: expected a number in [0, 1), found 1", localis::config_error);
  CHECK_THROWS_AS(loss_gain{.lowest = nan}.validate(), localis::config_error);
  CHECK_THROWS_AS(loss_gain{.smoothing = nan}.validate(), localis::config_error);
  loss_gain{}.validate();
}
