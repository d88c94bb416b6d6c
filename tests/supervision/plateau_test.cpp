#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <localis/supervision/plateau.hpp>

using localis::supervision::plateau;

namespace {

/// The gain before any loss and after each of them.
std::vector<double> gains(const plateau& policy, const std::vector<double>& losses) {
  plateau::state seen;
  std::vector<double> result{policy.gain(seen)};
  for (const double loss : losses) {
    policy.observe(seen, loss);
    result.push_back(policy.gain(seen));
  }
  return result;
}

using values = std::vector<double>;

}  // namespace

TEST_CASE("plateau: the gain changes after `patience` steps in a row without improvement, and counting begins anew") {
  const plateau policy{.factor = 0.5, .threshold = 0, .patience = 2, .smoothing = 0};
  //                          best 4, improves, waits 1, improves, waits 1, 2,   1,   2
  CHECK(gains(policy, {4, 3, 3, 2, 5, 5, 5, 5}) == values{1, 1, 1, 1, 1, 1, 0.5, 0.5, 0.25});
}

TEST_CASE("plateau: an improvement is more than the threshold's share of the best, negative losses included") {
  const plateau policy{.factor = 0.5, .threshold = 0.1, .patience = 1, .smoothing = 0};
  CHECK(gains(policy, {10, 9.01}) == values{1, 1, 0.5});
  CHECK(gains(policy, {10, 8.99}) == values{1, 1, 1});
  CHECK(gains(policy, {-10, -10.9}) == values{1, 1, 0.5});
  CHECK(gains(policy, {-10, -11.1}) == values{1, 1, 1});
  // the best is that of the last improvement: two falls by less than a tenth of it are one by more
  CHECK(gains(policy, {10, 9.5, 8.99, 8.1}) == values{1, 1, 0.5, 0.5, 0.25});
}

TEST_CASE("plateau: the loss is smoothed") {
  // means with smoothing 1/2: 4; (4/2 + 1) / (3/2) = 2; (4/4 + 1/2 + 2.5) / (7/4) = 16/7; then (16/7 * 7/8 + 1) ...
  const plateau policy{.factor = 0.5, .threshold = 0, .patience = 1, .smoothing = 0.5};
  CHECK(gains(policy, {4, 1, 2.5}) == values{1, 1, 1, 0.5});
  CHECK(gains(policy, {4, 1, 1.9}) == values{1, 1, 1, 1});  // 6.8 / 3.5 = 1.943: above the last loss, yet falling
}

TEST_CASE("plateau: a factor above 1 wakes up, and the bounds") {
  CHECK(gains({.factor = 3, .patience = 1, .highest = 5, .smoothing = 0}, {1, 1, 1, 1}) == values{1, 1, 3, 5, 5});
  CHECK(gains({.factor = 0.25, .patience = 1, .lowest = 0.1, .smoothing = 0}, {1, 1, 1, 1}) ==
        values{1, 1, 0.25, 0.1, 0.1});
}

TEST_CASE("plateau: a copied state goes on alike") {
  const plateau policy{.patience = 2};
  plateau::state seen;
  policy.observe(seen, 1);
  policy.observe(seen, 1);
  plateau::state copy = seen;
  policy.observe(seen, 1);
  CHECK(copy != seen);
  policy.observe(copy, 1);
  CHECK(copy == seen);
  CHECK(policy.gain(copy) == 0.5);
}

TEST_CASE("plateau: bad parameters") {
  constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH_AS(plateau{.factor = 0}.validate(),
                       "supervision::plateau.factor: expected a finite number above 0, found 0", localis::config_error);
  CHECK_THROWS_WITH_AS(plateau{.threshold = 1}.validate(),
                       "supervision::plateau.threshold: expected a share in [0, 1), found 1", localis::config_error);
  CHECK_THROWS_WITH_AS(plateau{.patience = 0}.validate(),
                       "supervision::plateau.patience: expected at least 1 step, found 0", localis::config_error);
  CHECK_THROWS_WITH_AS(plateau{.lowest = 1.5}.validate(),
                       "supervision::plateau.lowest: expected a gain in [0, 1], found 1.5", localis::config_error);
  CHECK_THROWS_WITH_AS(plateau{.highest = 0.5}.validate(),
                       "supervision::plateau.highest: expected a finite gain of at least 1, found 0.5",
                       localis::config_error);
  CHECK_THROWS_WITH_AS(plateau{.smoothing = 1}.validate(),
                       "supervision::plateau.smoothing: expected a number in [0, 1), found 1", localis::config_error);
  CHECK_THROWS_AS(plateau{.factor = not_a_number}.validate(), localis::config_error);
  CHECK_THROWS_AS(plateau{.threshold = not_a_number}.validate(), localis::config_error);
  CHECK_THROWS_AS(plateau{.lowest = not_a_number}.validate(), localis::config_error);
  CHECK_THROWS_AS(plateau{.highest = not_a_number}.validate(), localis::config_error);
  CHECK_THROWS_AS(plateau{.smoothing = not_a_number}.validate(), localis::config_error);
  plateau{}.validate();
}
