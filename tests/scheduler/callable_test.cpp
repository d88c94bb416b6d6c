#include <cstddef>
#include <limits>
#include <type_traits>

#include "support/promises.hpp"
#include <doctest/doctest.h>

#include <localis/scheduler/callable.hpp>
#include <localis/scheduler/fixed.hpp>

namespace ls = localis::scheduler;

TEST_CASE("callable: functions of the epoch, of the step, of whole and of broken numbers") {
  const auto whole = ls::as_scheduler([](std::size_t epoch) { return epoch / 2; });
  CHECK(whole.boundary(5, 9) == 2);

  const auto signed_whole = ls::as_scheduler([](int epoch) { return 3 - epoch; });
  CHECK(signed_whole.boundary(1, 0) == 2);

  const auto broken = ls::as_scheduler([](double epoch) { return 0.7 * epoch; });
  CHECK(broken.boundary(4, 0) == 2);   // 2.8
  CHECK(broken.boundary(10, 0) == 7);  // 7 up to rounding

  const double slope = 0.5;
  const auto of_step = ls::as_scheduler(
      [slope](std::size_t epoch, std::size_t step) { return slope * static_cast<double>(epoch + step); });
  CHECK(of_step.boundary(2, 3) == 2);  // 2.5

  CHECK(ls::lowest_boundary(of_step, 9) == 0);
  CHECK(ls::base_boundary(of_step, 2, 3) == 2);
}

TEST_CASE("callable: rounding just below 0 is 0") {
  const auto s = ls::as_scheduler([](std::size_t) { return 0.3 - 0.1 - 0.1 - 0.1; });
  REQUIRE(0.3 - 0.1 - 0.1 - 0.1 < 0);
  CHECK(s.boundary(0, 0) == 0);
}

TEST_CASE("callable: values that are no boundary") {
  const auto below = ls::as_scheduler([](int epoch) { return 1 - epoch; });
  CHECK_THROWS_WITH_AS((void)below.boundary(3, 4),
                       "scheduler::callable: expected a finite boundary of at least 0, found -2 at epoch 3, step 4",
                       localis::config_error);
  const auto nan = ls::as_scheduler([](int) { return std::numeric_limits<double>::quiet_NaN(); });
  CHECK_THROWS_AS((void)nan.boundary(0, 0), localis::config_error);
  const auto infinite = ls::as_scheduler([](int) { return std::numeric_limits<float>::infinity(); });
  CHECK_THROWS_WITH_AS((void)infinite.boundary(0, 1),
                       "scheduler::callable: expected a finite boundary of at least 0, found inf at epoch 0, step 1",
                       localis::config_error);
}

TEST_CASE("as_scheduler: a scheduler passes through") {
  const auto s = ls::as_scheduler(ls::fixed{.stage = 3});
  static_assert(std::is_same_v<decltype(s), const ls::fixed>);
  CHECK(s.boundary(0, 0) == 3);
}

TEST_CASE("callable: keeps what it promises about its boundaries") {
  CHECK(localis_test::check_promises(ls::as_scheduler([](std::size_t epoch) { return epoch % 4; })) == 3);
  CHECK(ls::highest_boundary(ls::as_scheduler([](std::size_t epoch) { return epoch; }), 0,
                             localis_test::promise_limits.highest) == 5);
}
