#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <vector>

#include "support/pixels.hpp"
#include <doctest/doctest.h>

#include <localis/data/augment.hpp>
#include <localis/data/loader.hpp>
#include <localis/data/synthetic.hpp>

namespace data = localis::data;
using floats = std::vector<float>;

namespace {

/// Pixels that tell where they came from: 1 + 3 (6 y + x) + c, which is never 0.
data::images places(std::size_t count = 1) {
  std::vector<std::uint8_t> pixels;
  for (std::size_t i = 0; i < count; ++i)
    for (int value = 1; value <= 5 * 6 * 3; ++value) pixels.push_back(static_cast<std::uint8_t>(value));
  return {{5, 6, 3}, std::move(pixels), std::vector<std::uint32_t>(count, 0), 1, 1.0F};
}

float place(int y, int x, int c) {
  return y < 0 || y >= 5 || x < 0 || x >= 6 ? 0.0F : static_cast<float>(1 + 3 * (6 * y + x) + c);
}

template <class Dataset>
floats sample(const Dataset& from, std::size_t index, std::size_t epoch) {
  floats features(data::shape_of(from).size());
  from.read(index, epoch, features);
  return features;
}

/// The picture moved by (dy, dx), mirrored first or not... as the crop and the flip make it.
floats moved(int dy, int dx, bool mirrored) {
  floats result;
  for (int y = 0; y < 5; ++y)
    for (int x = 0; x < 6; ++x)
      for (int c = 0; c < 3; ++c) result.push_back(place(y + dy, (mirrored ? 5 - x : x) + dx, c));
  return result;
}

}  // namespace

TEST_CASE("a crop with padding is one of the windows, and each comes equally often") {
  const data::images source = places();
  const data::augmented cropped(source, {.padding = 2, .seed = 3});
  std::vector<int> counts(25, 0);
  constexpr int epochs = 5000;
  for (std::size_t epoch = 0; epoch < epochs; ++epoch) {
    const floats features = sample(cropped, 0, epoch);
    bool found = false;
    for (int dy = -2; dy <= 2; ++dy)
      for (int dx = -2; dx <= 2; ++dx)
        if (features == moved(dy, dx, false)) {
          ++counts[static_cast<std::size_t>((dy + 2) * 5 + dx + 2)];
          found = true;
        }
    REQUIRE(found);
  }
  // 200 each, of deviation 14
  for (const int count : counts) CHECK(std::abs(count - epochs / 25) < 60);
}

TEST_CASE("a flip mirrors every second picture, row by row") {
  const data::images source = places();
  const data::augmented flipped(source, {.flip = true, .seed = 4});
  int mirrored = 0;
  for (std::size_t epoch = 0; epoch < 1000; ++epoch) {
    const floats features = sample(flipped, 0, epoch);
    const bool other = features == moved(0, 0, true);
    CHECK((other || features == moved(0, 0, false)));
    mirrored += other ? 1 : 0;
  }
  CHECK(std::abs(mirrored - 500) < 80);
}

TEST_CASE("crop and flip are independent") {
  const data::images source = places();
  const data::augmented both(source, {.padding = 1, .flip = true, .seed = 5});
  std::set<floats> seen;
  for (std::size_t epoch = 0; epoch < 400; ++epoch) seen.insert(sample(both, 0, epoch));
  CHECK(seen.size() == 18);
  for (const bool mirrored : {false, true})
    for (int dy = -1; dy <= 1; ++dy)
      for (int dx = -1; dx <= 1; ++dx) CHECK(seen.count(moved(dy, dx, mirrored)) == 1);
}

TEST_CASE("cutout zeroes a square around any pixel, as far as it lies in the picture") {
  const data::images source = places();
  for (const int side : {1, 2, 3}) {
    const data::augmented holed(source, {.cutout = static_cast<std::size_t>(side), .seed = 6});
    std::set<floats> expected;
    for (int row_at = 0; row_at < 5; ++row_at)
      for (int column = 0; column < 6; ++column) {
        floats features = moved(0, 0, false);
        for (int y = row_at - side / 2; y < row_at - side / 2 + side; ++y)
          for (int x = column - side / 2; x < column - side / 2 + side; ++x)
            if (y >= 0 && y < 5 && x >= 0 && x < 6)
              for (int c = 0; c < 3; ++c) features[static_cast<std::size_t>((y * 6 + x) * 3 + c)] = 0;
        expected.insert(features);
      }
    std::set<floats> seen;
    for (std::size_t epoch = 0; epoch < 1000; ++epoch) seen.insert(sample(holed, 0, epoch));
    CHECK(seen == expected);
  }
}

TEST_CASE("normalization is per channel, in evaluation too, and the holes of cutout are its zeros") {
  const data::images source = places();
  const data::normalization by = {{1, 2, 3}, {0.5, 2, 4}};
  const data::augmented normal(source, {.padding = 1, .normalize = by, .cutout = 1, .seed = 7});
  floats features(90);
  CHECK(normal.read(0, features) == 0);
  for (std::size_t i = 0; i < 90; ++i) {
    const double expected = (static_cast<double>(i + 1) - by.mean[i % 3]) / by.deviation[i % 3];
    CHECK(features[i] == doctest::Approx(expected));
  }
  // A pixel of the frame is black, and black is not the mean.
  bool black = false;
  bool hole = false;
  for (std::size_t epoch = 0; epoch < 30; ++epoch) {
    const floats trained = sample(normal, 0, epoch);
    for (std::size_t at = 0; at < 90; at += 3) {
      black = black || (trained[at] == -2.0F && trained[at + 1] == -1.0F && trained[at + 2] == -0.75F);
      hole = hole || (trained[at] == 0.0F && trained[at + 1] == 0.0F && trained[at + 2] == 0.0F);
    }
  }
  CHECK(black);
  CHECK(hole);
}

TEST_CASE("channel statistics make the data of mean 0 and deviation 1, even far from zero") {
  const data::images source = data::synthetic_images(40, 6, 5, 3, 4, 1);
  const data::normalization by = data::channel_statistics(source);
  const data::augmented normal(source, {.normalize = by});
  const data::normalization after = data::channel_statistics(normal);
  for (std::size_t c = 0; c < 3; ++c) {
    CHECK(after.mean[c] == doctest::Approx(0).epsilon(1e-6));
    CHECK(after.deviation[c] == doctest::Approx(1).epsilon(1e-6));
  }

  const floats far = {1e6F, 5, 1e6F + 1, 5, 1e6F + 2, 8};
  const std::vector<std::uint32_t> labels = {0, 0, 0};
  const data::normalization of_far = data::channel_statistics(data::arrays(localis::shape{1, 1, 2}, far, labels, 1));
  CHECK(of_far.mean == std::vector<double>{1e6 + 1, 6});
  CHECK(of_far.deviation[0] == doctest::Approx(std::sqrt(2.0 / 3.0)));
  CHECK(of_far.deviation[1] == doctest::Approx(std::sqrt(2.0)));
  CHECK_THROWS_AS(static_cast<void>(data::channel_statistics(data::images({1, 1, 1}, {}, {}, 1))),
                  localis::config_error);
}

TEST_CASE("a sample follows from seed, epoch and index, and from nothing else") {
  const data::images source = places(20);
  const data::augmentation how = {.padding = 2, .flip = true, .cutout = 2, .seed = 8};
  const data::augmented one(source, how);
  const data::augmented again(source, how);
  data::augmentation other_seed = how;
  other_seed.seed = 9;
  const data::augmented other(source, other_seed);
  int same_epoch = 0;
  int same_index = 0;
  int same_seed = 0;
  for (std::size_t i = 20; i-- > 0;) {
    CHECK(sample(one, i, 3) == sample(again, i, 3));
    same_epoch += sample(one, i, 3) == sample(one, i, 4) ? 1 : 0;
    same_index += sample(one, i, 3) == sample(one, (i + 1) % 20, 3) ? 1 : 0;
    same_seed += sample(one, i, 3) == sample(other, i, 3) ? 1 : 0;
  }
  CHECK(same_epoch < 3);
  CHECK(same_index < 3);
  CHECK(same_seed < 3);

  // Through a loader: the batch that was read ahead is the one that is asked for out of the blue.
  data::loader<float, data::augmented<data::images>> in_order(one, 8, 1);
  data::loader<float, data::augmented<data::images>> at_once(one, 8, 1);
  for (std::size_t at = 0; at < 6; ++at) {
    const auto batch = in_order.get(at / 3, at % 3);
    const auto direct = at_once.get(at / 3, at % 3);
    at_once.get(17, 0);
    for (std::size_t i = 0; i < batch.size; ++i)
      CHECK(sample(one, batch.indices[i], at / 3) ==
            floats(batch.features.begin() + static_cast<std::ptrdiff_t>(i * 90),
                   batch.features.begin() + static_cast<std::ptrdiff_t>((i + 1) * 90)));
    CHECK(direct.size == batch.size);
  }
}

TEST_CASE("one augmentation goes through another, and targets come as they are") {
  const data::images source = places();
  const data::augmented inner(source, {.padding = 1, .seed = 1});
  const data::augmented outer(inner, {.normalize = {{0, 0, 0}, {0.5, 0.5, 0.5}}});
  floats twice = sample(inner, 0, 11);
  for (float& value : twice) value *= 2;
  CHECK(sample(outer, 0, 11) == twice);

  const floats features = {1, 2, 3, 4};
  const floats targets = {5, 6};
  const data::arrays regression(localis::shape{1, 2, 1}, features, targets, 1);
  const data::augmented flipped(regression, {.flip = true});
  std::array<float, 1> target{};
  flipped.read_target(1, target);
  CHECK(target[0] == 6.0F);
}

TEST_CASE("bad augmentations are refused") {
  const data::images source = places();
  const auto make = [&](const data::augmentation& how) { const data::augmented made(source, how); };
  CHECK_NOTHROW(make({.padding = 4, .cutout = 6}));
  CHECK_THROWS_WITH_AS(make({.padding = 5}), "augmented: padding: expected less than 5, found 5",
                       localis::config_error);
  CHECK_THROWS_WITH_AS(make({.cutout = 7}), "augmented: cutout: expected at most 6, found 7", localis::config_error);
  CHECK_THROWS_WITH_AS(make({.normalize = {{1, 1, 1}, {1, 1}}}),
                       "augmented: deviation: expected a number for each of the 3 channels, found 2 numbers",
                       localis::config_error);
  CHECK_THROWS_AS(make({.normalize = {{}, {1, 1, 1}}}), localis::config_error);
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double bad : {0.0, -1.0, nan, std::numeric_limits<double>::infinity()})
    CHECK_THROWS_AS(make({.normalize = {{1, 1, 1}, {1, bad, 1}}}), localis::config_error);
  CHECK_THROWS_AS(make({.normalize = {{1, nan, 1}, {1, 1, 1}}}), localis::config_error);
}

TEST_CASE("bytes are cropped, mirrored and normalized as floats are, wherever some byte stands for each zero") {
  const data::images source = data::synthetic_images(6, 5, 6, 3, 2, 1);
  const data::normalization by = {{0.2, 0.45, 0.7}, {0.3, 0.07, 2}};
  const data::augmented all(source, {.padding = 2, .flip = true, .normalize = by, .seed = 3});
  localis_test::check_pixels(all, 10);
  localis_test::check_pixels(data::subset(all, {5, 2}), 3);
  localis_test::check_pixels(data::plain(all));
  localis_test::check_pixels(data::augmented(source, {.padding = 1, .cutout = 3}), 10);
  localis_test::check_pixels(data::augmented(all, {.flip = true, .normalize = by}), 3);

  // After a normalization no byte stands for the mean, unless the mean is a pixel.
  CHECK(data::augmented(source, {.normalize = by, .cutout = 1}).pixel_values().empty());
  CHECK(data::augmented(all, {.padding = 1}).pixel_values().empty());
  const data::images whole({5, 6, 3}, std::vector<std::uint8_t>(90, 9), {0}, 1, 1.0F);
  localis_test::check_pixels(data::augmented(whole, {.normalize = {{7, 7, 7}, {0.3, 2, 5}}, .cutout = 3}), 10);
  CHECK(data::augmented(whole, {.normalize = {{7, 7, 8}, {1, 1, 1}}, .cutout = 1}).pixel_values().empty());

  // The frame is black, which is another byte here, or none.
  const auto offset_by = [](float offset) {
    return data::images({5, 6, 3}, std::vector<std::uint8_t>(90, 9), {0}, 1, 1.0F, offset);
  };
  const data::images shifted = offset_by(-100.0F);
  localis_test::check_pixels(data::augmented(shifted, {.padding = 1}), 10);
  const data::images never_black = offset_by(0.5F);
  CHECK(data::augmented(never_black, {.padding = 1}).pixel_values().empty());
  localis_test::check_pixels(data::augmented(never_black, {.flip = true}), 3);
}

namespace {

/// A picture as it is changed in an epoch: its bytes.
template <class Dataset>
std::vector<std::uint8_t> bytes(const Dataset& from, std::size_t epoch) {
  std::vector<std::uint8_t> pixels(data::shape_of(from).size());
  from.read_pixels(0, epoch, pixels);
  return pixels;
}

}  // namespace

TEST_CASE("a cut is a part of the picture, resized to its size") {
  // A ramp from left to right and another from top to bottom: a part has a smaller slope, and tells where it lay.
  std::vector<std::uint8_t> pixels;
  for (std::size_t y = 0; y < 20; ++y)
    for (std::size_t x = 0; x < 30; ++x) {
      pixels.push_back(static_cast<std::uint8_t>(5 + 8 * x));
      pixels.push_back(static_cast<std::uint8_t>(5 + 12 * y));
    }
  const data::images source({20, 30, 2}, pixels, {0}, 1, 1.0F);
  const data::random_cut_range range{.least_area = 0.2, .most_area = 0.6, .least_ratio = 0.5, .most_ratio = 2};
  const data::augmented cut(source, {.cut = range, .seed = 11});
  for (std::size_t epoch = 0; epoch < 200; ++epoch) {
    const auto found = bytes(cut, epoch);
    const localis::random_stream random =
        localis::random_stream(11, 0x6175676D656E74).substream(epoch).substream(0).substream(0);
    const data::region part = data::random_cut(20, 30, 1, range, random).source;
    for (std::size_t y = 2; y < 18; ++y)  // apart from the edges, where the filter ends
      for (std::size_t x = 2; x < 28; ++x) {
        const double old_x = static_cast<double>(part.left) +
                             (static_cast<double>(x) + 0.5) * static_cast<double>(part.width) / 30 - 0.5;
        const double old_y = static_cast<double>(part.top) +
                             (static_cast<double>(y) + 0.5) * static_cast<double>(part.height) / 20 - 0.5;
        CHECK(std::abs(found[(y * 30 + x) * 2] - (5 + 8 * old_x)) < 1.6);
        CHECK(std::abs(found[(y * 30 + x) * 2 + 1] - (5 + 12 * old_y)) < 1.6);
      }
  }
}

TEST_CASE("brightness, contrast and saturation follow their formulas, with factors from their ranges") {
  const data::images source({1, 2, 3}, {40, 80, 120, 200, 100, 60}, {0}, 1, 1.0F);
  const std::array<double, 6> x{40, 80, 120, 200, 100, 60};
  const std::array<double, 2> grey{0.299 * 40 + 0.587 * 80 + 0.114 * 120, 0.299 * 200 + 0.587 * 100 + 0.114 * 60};
  const double mean = (grey[0] + grey[1]) / 2;
  // The factor that the largest change implies, and whether all bytes agree with it.
  const auto check = [&](const data::augmentation& options, const auto& formula) {
    const data::augmented changed(source, options);
    double least = 10;
    double most = -10;
    for (std::size_t epoch = 0; epoch < 3000; ++epoch) {
      const auto found = bytes(changed, epoch);
      double best = 0;
      double smallest = 1e9;
      for (double f = 0.39; f < 1.61; f += 0.002) {
        double apart = 0;
        for (std::size_t i = 0; i < 6; ++i)
          apart = std::max(apart, std::abs(std::clamp(formula(f, i), 0.0, 255.0) - found[i]));
        if (apart < smallest) {
          smallest = apart;
          best = f;
        }
      }
      REQUIRE(smallest < 0.9);
      least = std::min(least, best);
      most = std::max(most, best);
    }
    CHECK(std::abs(least - 0.4) < 0.02);
    CHECK(std::abs(most - 1.6) < 0.02);
  };
  check({.brightness = 0.6, .seed = 1}, [&](double f, std::size_t i) { return f * x[i]; });
  check({.contrast = 0.6, .seed = 2}, [&](double f, std::size_t i) { return f * x[i] + (1 - f) * mean; });
  check({.saturation = 0.6, .seed = 3}, [&](double f, std::size_t i) { return f * x[i] + (1 - f) * grey[i / 3]; });
}

TEST_CASE("variations: bytes stand for the floats, an evaluation sees none, and other draws stay as they are") {
  const data::images source = data::synthetic_images(6, 8, 8, 3, 3, 1);
  const data::augmentation all{.cut = data::random_cut_range{},
                               .brightness = 0.4,
                               .contrast = 0.4,
                               .saturation = 0.4,
                               .padding = 1,
                               .flip = true,
                               .normalize = {{0.5, 0.4, 0.3}, {0.2, 0.3, 0.4}},
                               .seed = 2};
  const data::augmented varied(source, all);
  localis_test::check_pixels(varied, 10);
  CHECK(sample(varied, 1, 3) != sample(varied, 1, 4));
  data::augmentation rest = all;
  rest.cut.reset();
  rest.brightness = rest.contrast = rest.saturation = 0;
  const data::augmented plain(source, rest);
  floats a(192);
  floats b(192);
  varied.read(2, a);
  plain.read(2, b);
  CHECK(a == b);
  // A picture of one colour shows the flip and the frame alone.
  const data::images black({8, 8, 3}, std::vector<std::uint8_t>(192, 0), {0}, 1);
  for (std::size_t epoch = 0; epoch < 5; ++epoch)
    CHECK(sample(data::augmented(black, all), 0, epoch) == sample(data::augmented(black, rest), 0, epoch));
}

TEST_CASE("variations that cannot be are refused") {
  const data::images grey({4, 4, 1}, std::vector<std::uint8_t>(16, 0), {0}, 1);
  const auto refused = [&](const data::augmentation& options) {
    CHECK_THROWS_AS((data::augmented<data::images>(grey, options)), localis::config_error);
  };
  CHECK_NOTHROW((data::augmented<data::images>(grey, {.brightness = 0.5, .contrast = 2})));
  refused({.saturation = 0.5});
  refused({.brightness = -0.1});
  refused({.contrast = std::numeric_limits<double>::infinity()});
  refused({.cut = data::random_cut_range{.least_area = 0}});
  const floats values(16, 0.5F);
  const data::arrays no_bytes({4, 4, 1}, values);
  CHECK_THROWS_WITH_AS((data::augmented<data::arrays>(no_bytes, {.brightness = 0.5})),
                       "augmented: cut, brightness, contrast and saturation: expected a data set that gives bytes "
                       "(data::dataset_with_pixels), found one without",
                       localis::config_error);
}
