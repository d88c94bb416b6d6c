#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "support/pixels.hpp"
#include "support/same_extents.hpp"
#include <doctest/doctest.h>

#include <localis/data/augment.hpp>
#include <localis/data/dataset.hpp>
#include <localis/data/loader.hpp>
#include <localis/data/mix.hpp>
#include <localis/data/synthetic.hpp>

namespace data = localis::data;
using floats = std::vector<float>;

namespace {

/// 8 pictures of one value each, 1 << index, so that a mixture tells its parts; class by index.
data::images steps(std::size_t height = 6, std::size_t width = 5) {
  std::vector<std::uint8_t> pixels;
  std::vector<std::uint32_t> labels;
  for (std::uint32_t n = 0; n < 8; ++n) {
    pixels.insert(pixels.end(), height * width, static_cast<std::uint8_t>(1U << n));
    labels.push_back(n);
  }
  return {{height, width, 1}, std::move(pixels), std::move(labels), 8, 1.0F};
}

struct sample {
  std::uint32_t label;
  floats features;
  floats target;
  bool operator==(const sample&) const = default;
};

template <class Dataset>
sample read(const Dataset& from, std::size_t index, std::size_t epoch) {
  sample s{0, floats(data::shape_of(from).size()), floats(from.targets())};
  s.label = from.read(index, epoch, s.features);
  from.read_target(index, epoch, s.target);
  return s;
}

}  // namespace

TEST_CASE("mixup: features and targets have the same share, and the label is that of the larger") {
  const data::images source = steps();
  const data::mixup mixed(source, {.alpha = 1, .seed = 5});
  CHECK(mixed.targets() == 8);
  std::vector<int> partners(8, 0);
  int larger = 0;
  for (std::size_t epoch = 0; epoch < 4000; ++epoch) {
    const sample s = read(mixed, 2, epoch);
    double sum = 0;
    double value = 0;
    std::size_t partner = 2;
    for (std::size_t k = 0; k < 8; ++k) {
      sum += static_cast<double>(s.target[k]);
      value += static_cast<double>(s.target[k]) * std::ldexp(1.0, static_cast<int>(k));
      if (k != 2 && s.target[k] > 0) partner = k;
    }
    CHECK(sum == doctest::Approx(1));
    for (const float feature : s.features) CHECK(static_cast<double>(feature) == doctest::Approx(value));
    ++partners[partner];
    const bool own = s.target[2] >= 0.5F;
    CHECK(s.label == (own ? 2 : partner));
    larger += partner == 2 || !own ? 0 : 1;
  }
  for (const int count : partners) CHECK(std::abs(count - 500) < 100);  // of deviation 21
  CHECK(std::abs(larger - 1750) < 160);
}

TEST_CASE("mixup: the shares have the moments of their distribution, for any alpha") {
  const localis::random_stream random(7, 1);
  for (const double alpha : {1e-3, 0.2, 1.0, 2.0, 50.0}) {
    CAPTURE(alpha);
    constexpr int draws = 20000;
    double sum = 0;
    double squares = 0;
    double fourth = 0;
    for (std::uint64_t i = 0; i < draws; ++i) {
      const double share = data::detail::symmetric_beta(alpha, random.substream(i));
      REQUIRE(share >= 0);
      REQUIRE(share <= 1);
      sum += share;
      squares += (share - 0.5) * (share - 0.5);
      fourth += std::pow(share - 0.5, 4);
    }
    const double variance = 1 / (4 * (2 * alpha + 1));
    CHECK(std::abs(sum / draws - 0.5) < 5 * std::sqrt(variance / draws));
    CHECK(squares / draws == doctest::Approx(variance).epsilon(0.06));
    CHECK(fourth / draws == doctest::Approx(variance * variance * 3 * (2 * alpha + 1) / (2 * alpha + 3)).epsilon(0.12));
  }
}

TEST_CASE("cutmix: a rectangle of the partner, whose area is the share of the target") {
  const data::images source = steps(9, 7);
  const data::cutmix mixed(source, {.seed = 6});
  double area = 0;
  std::size_t touched = 0;
  constexpr std::size_t epochs = 2000;
  std::vector<int> pasted(63, 0);
  for (std::size_t epoch = 0; epoch < epochs; ++epoch) {
    const sample s = read(mixed, 3, epoch);
    std::size_t top = 9, bottom = 0, left = 7, right = 0, count = 0;
    float other = 8;
    for (std::size_t y = 0; y < 9; ++y)
      for (std::size_t x = 0; x < 7; ++x) {
        const float value = s.features[y * 7 + x];
        if (value == 8) continue;
        if (count++ > 0) CHECK(value == other);
        other = value;
        ++pasted[y * 7 + x];
        top = std::min(top, y);
        bottom = std::max(bottom, y + 1);
        left = std::min(left, x);
        right = std::max(right, x + 1);
      }
    if (count == 0) {
      CHECK(s.target[3] == 1);
      CHECK(s.label == 3);
      continue;
    }
    ++touched;
    CHECK(count == (bottom - top) * (right - left));
    const auto partner = static_cast<std::size_t>(std::lround(std::log2(other)));
    const double share = static_cast<double>(count) / 63;
    area += share;
    CHECK(static_cast<double>(s.target[partner]) == doctest::Approx(share));
    CHECK(static_cast<double>(s.target[3]) == doctest::Approx(1 - share));
    CHECK(s.label == (share > 0.5 ? partner : 3));
  }
  CHECK(touched > epochs / 2);
  CHECK(area / epochs > 0.15);
  // Anywhere, most often in the middle.
  CHECK(*std::min_element(pasted.begin(), pasted.end()) > 100);
  CHECK(pasted[4 * 7 + 3] > 2 * pasted[0]);
}

TEST_CASE("mixtures: a sample follows from seed, epoch and index, and an evaluation sees it unmixed") {
  const data::images source = data::synthetic_images(20, 6, 5, 2, 4, 1);
  const data::mixup one(source, {.seed = 8});
  const data::mixup again(source, {.seed = 8});
  const data::mixup other(source, {.seed = 9});
  int same_epoch = 0;
  int same_seed = 0;
  for (std::size_t i = 20; i-- > 0;) {
    CHECK(read(one, i, 3) == read(again, i, 3));
    same_epoch += read(one, i, 3) == read(one, i, 4) ? 1 : 0;
    same_seed += read(one, i, 3) == read(other, i, 3) ? 1 : 0;
    floats features(60);
    floats expected(60);
    CHECK(one.read(i, features) == source.read(i, expected));
    CHECK(features == expected);
    floats target(4);
    one.read_target(i, target);
    for (std::size_t k = 0; k < 4; ++k) CHECK(target[k] == (k == i % 4 ? 1.0F : 0.0F));
  }
  CHECK(same_epoch < 4);
  CHECK(same_seed < 4);
}

TEST_CASE("mixtures: one of the two without a label leaves the sample as it is") {
  const floats features{1, 2, 3, 4};
  const std::vector<std::uint32_t> labels{0, data::unlabelled, 1, 0};
  const data::arrays source({1, 1, 1}, features, labels, 2);
  const data::mixup mixed(source, {.seed = 1});
  int changed = 0;
  for (std::size_t epoch = 0; epoch < 200; ++epoch) {
    const sample never = read(mixed, 1, epoch);
    CHECK(never.label == data::unlabelled);
    CHECK(never.features[0] == 2);
    CHECK(never.target == floats{0, 0});
    const sample s = read(mixed, 2, epoch);
    CHECK(s.target[0] + s.target[1] == doctest::Approx(1));
    changed += s.features[0] == 3 ? 0 : 1;
  }
  CHECK(changed > 60);  // half of the partners are labelled and differ
  CHECK(changed < 140);
}

namespace {

/// Counts what is read.
struct counted : localis_test::same_extents<const data::images&> {
  std::size_t& reads;
  std::uint32_t read(std::size_t index, std::span<float> features) const {
    ++reads;
    const std::uint32_t label = real.read(index, features);
    return index == 7 ? data::unlabelled : label;
  }
};

/// Reads sample 2 in many epochs; returns in how many its partner was not read.
template <class Mixture>
std::size_t alone(const Mixture& mixed, const std::size_t& reads) {
  std::size_t count = 0;
  floats features(data::shape_of(mixed).size());
  floats target(8);
  for (std::size_t epoch = 0; epoch < 800; ++epoch) {
    const std::size_t start = reads;
    const std::uint32_t label = mixed.read(2, epoch, features);
    const std::size_t used = reads - start;
    mixed.read_target(2, epoch, target);
    CHECK(reads - start == 2 * used);
    if (used == 2) continue;
    CHECK(used == 1);
    ++count;
    CHECK(label == 2);
    CHECK(target[2] == 1);
    CHECK(std::all_of(features.begin(), features.end(), [](float value) { return value == 4; }));
  }
  return count;
}

}  // namespace

TEST_CASE("mixtures: a partner that cannot change the sample is not read") {
  std::size_t reads = 0;
  const data::images source = steps();
  const counted some{{source}, reads};
  const data::mixup mixed(some, {.seed = 2});
  const std::size_t own = alone(mixed, reads);
  CHECK(own > 60);  // 1 of 8, of deviation 9
  CHECK(own < 140);
  // Of 6 x 5 pixels, a small share is none.
  CHECK(alone(data::cutmix(some, {.alpha = 0.3, .seed = 2}), reads) > 200);
  CHECK(alone(data::mixup(some, {.alpha = 1e-3, .seed = 2}), reads) > 200);  // shares that are 0 or 1

  reads = 0;
  floats features(30);
  CHECK(mixed.read(7, 0, features) == data::unlabelled);
  CHECK(reads == 1);
}

TEST_CASE("mixtures go through subsets, augmentation and each other") {
  const data::images source = steps();
  const data::subset part(source, {1, 4});
  const data::cutmix first(part, {.seed = 2});
  const data::mixup second(first, {.seed = 3});
  const data::augmented last(second, {.flip = true});
  CHECK(last.targets() == 8);
  bool both = false;
  for (std::size_t epoch = 0; epoch < 20; ++epoch) {
    const sample s = read(last, 0, epoch);
    CHECK(s.target[1] + s.target[4] == doctest::Approx(1));
    floats expected(8);
    second.read_target(0, epoch, expected);
    CHECK(s.target == expected);
    const double mean = [&] {
      double sum = 0;
      for (const float value : s.features) sum += static_cast<double>(value);
      return sum / 30;
    }();
    CHECK(mean == doctest::Approx(2 * static_cast<double>(s.target[1]) + 16 * static_cast<double>(s.target[4])));
    both = both || (s.target[1] > 0 && s.target[4] > 0);
  }
  CHECK(both);
  // Through a loader, which asks for the targets of its epoch.
  data::loader<double, data::mixup<data::cutmix<data::subset<data::images>>>> loader(second, 2, 1, false);
  for (std::size_t epoch = 0; epoch < 6; ++epoch) {
    const auto batch = loader.get(epoch, 0);
    const sample s = read(second, 1, epoch);
    for (std::size_t k = 0; k < 8; ++k) CHECK(batch.targets[8 + k] == static_cast<double>(s.target[k]));
  }
}

TEST_CASE("cutmix keeps bytes, and mixtures refuse what cannot be mixed") {
  const data::images source = data::synthetic_images(6, 8, 8, 3, 3, 1);
  localis_test::check_pixels(data::cutmix(source, {.seed = 4}), 10);
  for (const double alpha : {0.0, -1.0, std::numeric_limits<double>::infinity(), std::nan("")}) {
    CAPTURE(alpha);
    CHECK_THROWS_AS(data::mixup(source, {.alpha = alpha}), localis::config_error);
  }
  const floats features{1, 2};
  const data::arrays bare({1, 1, 1}, features,
                          std::span<const std::uint32_t>(std::vector<std::uint32_t>(2, data::unlabelled)), 0);
  CHECK_THROWS_WITH_AS(data::cutmix<data::arrays>{bare},
                       "mixing: classes or targets of the data: expected at least 1, found 0", localis::config_error);
}
