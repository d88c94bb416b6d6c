#include <cstddef>

#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/rule/predsim.hpp>

using localis_test::check_range;
using localis_test::infinity;
using localis_test::not_a_number;
using predsim = localis::rule::predsim<>;

TEST_CASE("predsim: parameters out of range are named") {
  check_range("predsim: head_rate", "a finite number >= 0", {-1, infinity, not_a_number}, {0, 1},
              [](double v) { return predsim{.head_rate = v}; });
  check_range("predsim: similarity_share", "a number in [0, 1]", {-0.1, 1.1, infinity, not_a_number}, {0, 1},
              [](double v) { return predsim{.similarity_share = v}; });
  check_range("predsim: smoothing", "a finite number >= 0", {-1, infinity, not_a_number}, {0, 1},
              [](double v) { return predsim{.similarity = {.smoothing = v}}; });
  check_range("predsim: group_channels", "at least 1", {0}, {1, 3},
              [](double v) { return predsim{.similarity = {.group_channels = static_cast<std::size_t>(v)}}; });
}
