#include <cmath>
#include <cstddef>
#include <vector>

#include <doctest/doctest.h>

#include <localis/math/mean.hpp>

using localis::math::mean_of;
using localis::math::sum_of;

TEST_CASE("sum_of: every value once, whatever the length") {
  for (std::size_t size = 0; size <= 70; ++size) {
    CAPTURE(size);
    // Powers of two: any value that is missing or counted twice shows.
    CHECK(sum_of<double>(size, [](std::size_t i) { return std::ldexp(1.0, static_cast<int>(i % 50)); }) ==
          (size <= 50 ? std::ldexp(1.0, static_cast<int>(size)) - 1
                      : std::ldexp(1.0, 50) - 1 + std::ldexp(1.0, static_cast<int>(size - 50)) - 1));
  }
  static_assert(sum_of<int>(20, [](std::size_t i) { return static_cast<int>(i); }) == 190);
}

TEST_CASE("mean_of: exact where all values are equal, at any level") {
  for (const float level : {0.1F, -1000.1F, 1e30F}) {
    for (const std::size_t size : {1U, 7U, 16U, 1000U}) {
      const std::vector<float> row(size, level);
      CHECK(mean_of(row.data(), size) == level);
    }
  }
}

TEST_CASE("mean_of: by hand, and NaN is not hidden") {
  const std::vector<double> row{1, 5, -3, 9};
  CHECK(mean_of(row.data(), 4) == 3);
  CHECK(mean_of(row.data(), 1) == 1);
  const std::vector<double> broken{1, std::nan(""), 2};
  CHECK(std::isnan(mean_of(broken.data(), 3)));
}
