#include <cstddef>

#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/train/train_options.hpp>

using localis::train_options;
using localis_test::check_range;

TEST_CASE("train_options: values out of range are named") {
  using localis_test::infinity;
  using localis_test::not_a_number;
  check_range("trainer: epochs", "at least 1", {0}, {1, 300},
              [](double v) { return train_options{.epochs = static_cast<std::size_t>(v)}; });
  check_range("trainer: batch", "at least 1", {0}, {1, 300},
              [](double v) { return train_options{.batch = static_cast<std::size_t>(v)}; });
  check_range("trainer: local_rate", "a finite number >= 0", {-1, infinity, not_a_number}, {0, 0.5},
              [](double v) { return train_options{.local_rate = v}; });
}
