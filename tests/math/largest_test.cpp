#include <cstddef>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <localis/math/largest.hpp>

using localis::math::place_of_largest;

TEST_CASE("place_of_largest: every place of rows of every length, and the first of equals") {
  for (std::size_t size = 1; size <= 70; ++size) {
    for (std::size_t place = 0; place < size; ++place) {
      std::vector<float> row(size);
      for (std::size_t i = 0; i < size; ++i) row[i] = -1.0F - static_cast<float>(i % 7);
      row[place] = -0.5F;
      CHECK(place_of_largest(row.data(), size) == place);
      row.back() = -0.5F;
      CHECK(place_of_largest(row.data(), size) == place);
    }
  }
}
TEST_CASE("place_of_largest: a row without numbers has its first place") {
  const std::vector<double> row(20, std::numeric_limits<double>::quiet_NaN());
  CHECK(place_of_largest(row.data(), row.size()) == 0);
}
