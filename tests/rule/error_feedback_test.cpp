#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/rule/error_feedback.hpp>

using localis::rule::error_feedback;
using localis_test::check_range;
using localis_test::infinity;
using localis_test::not_a_number;

TEST_CASE("error_feedback: parameters out of range are named") {
  check_range("error_feedback: memory", "a number in [0, 1)", {-0.1, 1, infinity, not_a_number}, {0, 0.999},
              [](double v) { return error_feedback{.memory = v}; });
  check_range("error_feedback: ridge", "a finite number > 0", {0, -1, infinity, not_a_number}, {1e-9, 1},
              [](double v) { return error_feedback{.ridge = v}; });
}
