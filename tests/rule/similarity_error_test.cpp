#include <cstddef>

#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/rule/similarity_error.hpp>

using localis::rule::similarity_error;
using localis_test::check_range;
using localis_test::infinity;
using localis_test::not_a_number;

TEST_CASE("similarity_error: parameters out of range are named") {
  check_range("similarity_error: smoothing", "a finite number >= 0", {-1, infinity, not_a_number}, {0, 1},
              [](double v) { return similarity_error{.smoothing = v}; });
  check_range("similarity_error: group_channels", "at least 1", {0}, {1, 3},
              [](double v) { return similarity_error{.group_channels = static_cast<std::size_t>(v)}; });
}
