#include <cstddef>

#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/rule/phsic.hpp>

using localis::rule::phsic;
using localis_test::check_range;
using localis_test::infinity;
using localis_test::not_a_number;

TEST_CASE("phsic: parameters out of range are named") {
  check_range("phsic: smoothing", "a finite number >= 0", {-1, infinity, not_a_number}, {0, 1},
              [](double v) { return phsic{.smoothing = v}; });
  check_range("phsic: group_channels", "at least 1", {0}, {1, 3},
              [](double v) { return phsic{.group_channels = static_cast<std::size_t>(v)}; });
}

TEST_CASE("phsic: gamma out of range is named") {
  check_range("phsic: gamma", "a finite number > 0", {0, -1, infinity, not_a_number}, {1e-9, 2},
              [](double v) { return phsic{.gamma = v}; });
}
