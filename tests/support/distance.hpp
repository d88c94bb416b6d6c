#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include <doctest/doctest.h>

namespace localis_test {

/// norm(found - expected) / norm(expected)
inline double distance(const std::vector<double>& found, const std::vector<double>& expected) {
  REQUIRE(found.size() == expected.size());
  double squares = 0;
  double scale = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    squares += (found[i] - expected[i]) * (found[i] - expected[i]);
    scale += expected[i] * expected[i];
  }
  return std::sqrt(squares / scale);
}

}  // namespace localis_test
