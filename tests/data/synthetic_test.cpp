#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <localis/data/synthetic.hpp>

namespace data = localis::data;

namespace {

bool same(const data::images& a, const data::images& b) {
  return std::equal(a.pixels().begin(), a.pixels().end(), b.pixels().begin(), b.pixels().end()) &&
         std::equal(a.labels().begin(), a.labels().end(), b.labels().begin(), b.labels().end());
}

/// Share of `asked` whose nearest picture in `known` is of the same class.
double nearest_neighbour_accuracy(const data::images& known, const data::images& asked) {
  const std::size_t values = known.height() * known.width() * known.channels();
  int right = 0;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    long best = std::numeric_limits<long>::max();
    std::uint32_t label = 0;
    for (std::size_t j = 0; j < known.size(); ++j) {
      long distance = 0;
      for (std::size_t v = 0; v < values; ++v) {
        const long difference = long{asked.pixels()[i * values + v]} - long{known.pixels()[j * values + v]};
        distance += difference * difference;
      }
      if (distance < best) {
        best = distance;
        label = known.labels()[j];
      }
    }
    right += label == asked.labels()[i] ? 1 : 0;
  }
  return right / static_cast<double>(asked.size());
}

}  // namespace

TEST_CASE("synthetic pictures have the shape and the balance they were asked for") {
  const auto set = data::synthetic_images(50, 9, 6, 3, 5, 1);
  CHECK(set.size() == 50);
  CHECK(set.height() == 9);
  CHECK(set.width() == 6);
  CHECK(set.channels() == 3);
  CHECK(set.classes() == 5);
  for (std::uint32_t label = 0; label < 5; ++label)
    CHECK(std::count(set.labels().begin(), set.labels().end(), label) == 10);
}

TEST_CASE("synthetic pictures are a function of seed and index") {
  const auto set = data::synthetic_images(30, 8, 8, 1, 4, 3);
  CHECK(same(set, data::synthetic_images(30, 8, 8, 1, 4, 3)));
  CHECK_FALSE(same(set, data::synthetic_images(30, 8, 8, 1, 4, 4)));
  const auto tail = data::synthetic_images(10, 8, 8, 1, 4, 3, 0.2, 20);
  CHECK(std::equal(tail.pixels().begin(), tail.pixels().end(), set.pixels().begin() + 20 * 64));
  CHECK(std::equal(tail.labels().begin(), tail.labels().end(), set.labels().begin() + 20));
}

TEST_CASE("without noise a class is one picture, and with noise it can still be learned") {
  const auto clean = data::synthetic_images(20, 8, 8, 1, 10, 3, 0.0);
  const auto first = clean.pixels().first(64);
  CHECK(std::equal(first.begin(), first.end(), clean.pixels().begin() + 10 * 64));
  CHECK_FALSE(std::equal(first.begin(), first.end(), clean.pixels().begin() + 64));

  const auto train = data::synthetic_images(100, 8, 8, 1, 10, 3, 0.2);
  const auto test = data::synthetic_images(100, 8, 8, 1, 10, 3, 0.2, 100);
  CHECK(nearest_neighbour_accuracy(train, test) > 0.9);
  const auto others = data::synthetic_images(100, 8, 8, 1, 10, 4, 0.2, 100);
  CHECK(nearest_neighbour_accuracy(train, others) < 0.6);
}

TEST_CASE("synthetic pictures refuse bad parameters") {
  const auto make = [](std::size_t count, std::size_t height, std::size_t classes, double noise) {
    static_cast<void>(data::synthetic_images(count, height, 4, 1, classes, 1, noise));
  };
  CHECK_NOTHROW(make(1, 4, 1, 0));
  CHECK_THROWS_AS(make(0, 4, 1, 0), localis::config_error);
  CHECK_THROWS_AS(make(1, 0, 1, 0), localis::shape_error);
  CHECK_THROWS_AS(make(1, 4, 0, 0), localis::config_error);
  CHECK_THROWS_AS(make(1, 4, 1, -0.1), localis::config_error);
  CHECK_THROWS_AS(make(1, 4, 1, std::numeric_limits<double>::quiet_NaN()), localis::config_error);
}
