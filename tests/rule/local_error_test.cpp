#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/rule/local_error.hpp>

using localis::rule::local_error;
using localis_test::check_range;
using localis_test::infinity;
using localis_test::not_a_number;

TEST_CASE("local_error: parameters out of range are named") {
  check_range("local_error: head_rate", "a finite number >= 0", {-1, infinity, not_a_number}, {0, 1},
              [](double v) { return local_error{.head_rate = v}; });
}
