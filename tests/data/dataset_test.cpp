#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "support/pixels.hpp"
#include <doctest/doctest.h>

#include <localis/data/dataset.hpp>

namespace data = localis::data;
using localis::shape;

namespace {

data::images two_pictures() { return {{1, 2, 2}, {0, 51, 102, 255, 1, 2, 3, 4}, {2, 0}, 3}; }

}  // namespace

TEST_CASE("images scale bytes to floats") {
  const data::images pictures = two_pictures();
  std::array<float, 4> row{};
  CHECK(pictures.read(0, row) == 2);
  CHECK(row[1] == doctest::Approx(0.2));
  CHECK(row[3] == doctest::Approx(1.0));
  CHECK(pictures.read(1, row) == 0);
  CHECK(row[2] == doctest::Approx(3.0 / 255));

  const data::images shifted({1, 1, 1}, {10}, {0}, 1, 0.5F, -1.0F);
  std::array<float, 1> value{};
  shifted.read(0, value);
  CHECK(value[0] == 4.0F);
}

TEST_CASE("images refuse counts that disagree, labels that are no class, and reads that do not fit") {
  CHECK_THROWS_AS(data::images({1, 2, 1}, {1, 2, 3}, {0}, 1), localis::shape_error);
  CHECK_THROWS_AS(data::images({1, 2, 1}, {1, 2, 3, 4}, {0}, 1), localis::shape_error);
  CHECK_THROWS_AS(data::images({0, 2, 1}, {}, {}, 1), localis::shape_error);
  CHECK_THROWS_AS(data::images({std::size_t{1} << 40, std::size_t{1} << 40, 1}, {}, {}, 1), localis::shape_error);
  CHECK_THROWS_WITH_AS(data::images({1, 1, 1}, {1, 2}, {0, 3}, 3),
                       "images: label of sample 1: expected less than 3, found 3", localis::data_error);
  const data::images pictures = two_pictures();
  std::array<float, 4> row{};
  std::array<float, 3> too_short{};
  CHECK_THROWS_AS(pictures.read(2, row), localis::shape_error);
  CHECK_THROWS_AS(pictures.read(0, too_short), localis::shape_error);
}

TEST_CASE("arrays show a user's own floats, labelled or with targets") {
  const std::vector<float> features = {1, 2, 3, 4, 5, 6};
  const std::vector<std::uint32_t> labels = {1, 0, 1};
  const data::arrays labelled(shape{1, 1, 2}, features, labels, 2);
  std::array<float, 2> row{};
  CHECK(labelled.size() == 3);
  CHECK(labelled.targets() == 0);
  CHECK(labelled.read(2, row) == 1);
  CHECK(row == std::array<float, 2>{5, 6});

  const std::vector<float> wanted = {0.5F, 1.5F, 2.5F};
  const data::arrays regression(shape{1, 1, 2}, features, wanted, 1);
  std::array<float, 1> target{};
  CHECK(regression.classes() == 0);
  CHECK(regression.read(1, row) == 0);
  CHECK(row == std::array<float, 2>{3, 4});
  regression.read_target(1, target);
  CHECK(target[0] == 1.5F);
}

TEST_CASE("arrays show a user's own doubles, which are rounded when they are read, and mixed with floats") {
  std::vector<double> features = {0.1, 2, 3, 4, 5, 1e-50};
  const std::vector<std::uint32_t> labels = {1, data::unlabelled, 0};
  const data::arrays labelled(shape{1, 1, 2}, features, labels, 2);
  std::array<float, 2> row{};
  CHECK(labelled.read(0, row) == 1);
  CHECK(row == std::array<float, 2>{0.1F, 2});
  CHECK(labelled.read(1, row) == data::unlabelled);
  features[2] = 7;  // they are not copied
  (void)labelled.read(1, row);
  CHECK(row == std::array<float, 2>{7, 4});
  CHECK(labelled.read(2, row) == 0);
  CHECK(row[1] == 0);

  const std::vector<float> floats = {1, 2, 3, 4, 5, 6};
  const std::vector<double> wanted = {0.1, 1.5, 2.5};
  const data::arrays regression(shape{1, 1, 2}, floats, std::span(wanted), 1);
  std::array<float, 1> target{};
  regression.read_target(0, target);
  CHECK(target[0] == 0.1F);
  CHECK_THROWS_AS(data::arrays(shape{1, 1, 2}, features, std::span(wanted).first(2), 1), localis::shape_error);
}

TEST_CASE("arrays refuse sizes that disagree") {
  const std::vector<float> features = {1, 2, 3, 4, 5, 6};
  const std::vector<std::uint32_t> labels = {1, 0, 1};
  const std::vector<float> targets = {1, 2};
  CHECK_THROWS_AS(data::arrays(shape{1, 1, 4}, features, labels, 2), localis::shape_error);
  CHECK_THROWS_AS(data::arrays(shape{1, 1, 3}, features, labels, 2), localis::shape_error);
  CHECK_THROWS_AS(data::arrays(shape{1, 1, 2}, features, labels, 1), localis::data_error);
  CHECK_THROWS_AS(data::arrays(shape{1, 1, 2}, features, targets, 1), localis::shape_error);
  CHECK_THROWS_AS(data::arrays(shape{1, 1, 2}, features, targets, 0), localis::config_error);
}

TEST_CASE("a subset reads through to the samples it names") {
  const data::images pictures({1, 1, 1}, {0, 1, 2, 3, 4}, {0, 1, 2, 3, 4}, 5, 1.0F);
  std::array<float, 1> value{};
  const data::subset<data::images> chosen(pictures, {4, 1});
  CHECK(chosen.size() == 2);
  CHECK(chosen.read(0, value) == 4);
  CHECK(value[0] == 4.0F);
  CHECK_THROWS_AS(chosen.read(2, value), localis::shape_error);

  const data::subset<data::images> range(pictures, 2, 3);
  CHECK(range.size() == 3);
  CHECK(range.read(0, value) == 2);
  CHECK_THROWS_AS((data::subset<data::images>(pictures, 3, 3)), localis::shape_error);
  CHECK_THROWS_AS((data::subset<data::images>(pictures, {5})), localis::shape_error);
}

TEST_CASE("plain is the same data set, with targets where it has them") {
  const data::images pictures({1, 1, 1}, {0, 1, 2}, {0, 1, 2}, 3, 1.0F);
  const data::plain<data::images> same(pictures);
  std::array<float, 1> value{};
  CHECK(same.size() == 3);
  CHECK(same.classes() == 3);
  CHECK(same.readers() == 1);
  CHECK(same.read(2, value) == 2);
  CHECK(value[0] == 2.0F);

  const std::vector<float> features = {1, 2};
  const std::vector<float> targets = {3, 4};
  const data::arrays regression(shape{1, 1, 1}, features, targets, 1);
  const data::plain<data::arrays> still(regression);
  still.read_target(1, value);
  CHECK(value[0] == 4.0F);
  CHECK(data::targets_of(still) == 1);
}

TEST_CASE("split deals each sample to exactly one part, the same for the same seed") {
  const data::images pictures({1, 1, 1}, std::vector<std::uint8_t>(100, 0), std::vector<std::uint32_t>(100, 0), 1);
  const auto parts = data::split(pictures, data::validation_fraction{0.1}, 1);
  CHECK(parts.validation.size() == 10);
  CHECK(parts.train.size() == 90);
  std::vector<int> seen(100, 0);
  for (const std::uint32_t index : parts.train.indices()) ++seen[index];
  for (const std::uint32_t index : parts.validation.indices()) ++seen[index];
  CHECK(std::all_of(seen.begin(), seen.end(), [](int count) { return count == 1; }));

  const auto indices = [&](std::uint64_t seed) {
    const auto again = data::split(pictures, data::validation_count{10}, seed);
    return std::vector<std::uint32_t>(again.validation.indices().begin(), again.validation.indices().end());
  };
  const auto first = parts.validation.indices();
  CHECK(std::equal(first.begin(), first.end(), indices(1).begin()));
  CHECK(indices(1) != indices(2));
}

TEST_CASE("split refuses a part without samples") {
  const data::images pictures({1, 1, 1}, {0, 1, 2, 3}, {0, 0, 0, 0}, 1);
  const auto by_count = [&](std::size_t n) { static_cast<void>(data::split(pictures, data::validation_count{n}, 1)); };
  const auto by_share = [&](double s) { static_cast<void>(data::split(pictures, data::validation_fraction{s}, 1)); };
  CHECK_THROWS_AS(by_count(0), localis::config_error);
  CHECK_THROWS_AS(by_count(4), localis::config_error);
  CHECK_NOTHROW(by_count(3));
  for (const double share : {0.0, 1.0, -0.5, 0.01, 0.99, std::numeric_limits<double>::quiet_NaN()})
    CHECK_THROWS_AS(by_share(share), localis::config_error);
}

TEST_CASE("bytes stand for the floats of the same pictures, in a part of them too") {
  std::vector<std::uint8_t> every;
  for (int value = 0; value < 2 * 256; ++value) every.push_back(static_cast<std::uint8_t>(value));
  const data::images pictures({8, 16, 2}, every, {1, 0}, 2, 0.1F, -3.7F);
  localis_test::check_pixels(pictures);
  CHECK(pictures.pixel_values()[2 * 10] == 10.0F * 0.1F - 3.7F);
  localis_test::check_pixels(data::subset(pictures, {1}));
  localis_test::check_pixels(data::plain(pictures));
  std::vector<std::uint8_t> too_short(255);
  CHECK_THROWS_AS(pictures.read_pixels(0, too_short), localis::shape_error);
  CHECK_THROWS_AS(data::subset(pictures, {1}).read_pixels(1, every), localis::shape_error);
}
