#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include <doctest/doctest.h>

#include <localis/core/random.hpp>
#include <localis/math/largest.hpp>

using localis::math::largest;
using localis::math::next_largest;
using localis::math::place_of_largest;
using localis::math::ranked;

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

TEST_CASE_TEMPLATE("next_largest: numbers of every row in descending order, equals by their places", T, float, double) {
  constexpr T infinity = std::numeric_limits<T>::infinity();
  constexpr T nan = std::numeric_limits<T>::quiet_NaN();
  const std::vector<T> values{T(1.5), T(-2), T(0), T(-0.0), infinity, -infinity, nan, -nan, T(1e-38), T(-1e-38)};
  for (std::size_t size = 1; size <= 70; ++size) {
    const localis::random_stream random(7, size);
    std::vector<T> row(size);
    for (std::size_t i = 0; i < size; ++i) row[i] = values[random.integer(i, values.size())];
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < size; ++i) {
      if (row[i] == row[i]) order.push_back(i);
    }
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return row[a] > row[b]; });
    ranked<T> last = largest(row.data(), size);
    for (std::size_t rank = 0; rank < order.size(); ++rank) {
      if (rank > 0) last = next_largest(row.data(), size, last);
      CHECK(last.place == order[rank]);
      CHECK(last.value == row[order[rank]]);
      std::size_t reached = 0;
      for (std::size_t i = 0; i < size; ++i) {
        if (last.reached_by(row[i], static_cast<typename ranked<T>::index>(i))) ++reached;
      }
      CHECK(reached == rank + 1);
    }
    if (!order.empty()) last = next_largest(row.data(), size, last);
    CHECK(last.place == size);
    CHECK(place_of_largest(row.data(), size) == (order.empty() ? 0 : order[0]));
  }
}

TEST_CASE("first_place: the first of some places from a place on, and how many follow") {
  for (std::size_t size = 1; size <= 40; ++size) {
    const auto holds = [](auto i) { return i % 3 == 1 ? 1 : 0; };
    for (std::size_t begin = 0; begin <= size; ++begin) {
      std::size_t count = 0;
      std::size_t first = size;
      for (std::size_t i = size; i-- > begin;) {
        if (holds(i) == 0) continue;
        first = i;
        ++count;
      }
      const localis::math::places found = localis::math::first_place<float>(begin, size, holds);
      CHECK(found.first == first);
      CHECK(found.others == (count > 0 ? count - 1 : 0));
    }
  }
}
