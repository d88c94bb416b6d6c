#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "support/pixels.hpp"
#include <doctest/doctest.h>

#include <localis/core/error.hpp>
#include <localis/data/any.hpp>
#include <localis/data/augment.hpp>
#include <localis/data/dataset.hpp>
#include <localis/data/loader.hpp>
#include <localis/data/mix.hpp>
#include <localis/data/synthetic.hpp>

namespace lo = localis;
namespace data = localis::data;

namespace {

data::images pictures() { return {{1, 2, 1}, {0, 51, 102, 153, 204, 255}, {0, 1, 1}, 2}; }

/// Counts in its own way in each epoch, is slow to read, and tells how many of its copies there are.
struct slow {
  std::shared_ptr<int> alive = std::make_shared<int>(0);

  [[nodiscard]] std::size_t size() const { return 4; }
  [[nodiscard]] std::size_t height() const { return 1; }
  [[nodiscard]] std::size_t width() const { return 2; }
  [[nodiscard]] std::size_t channels() const { return 3; }
  [[nodiscard]] std::size_t classes() const { return 5; }
  [[nodiscard]] std::size_t readers() const { return 7; }
  std::uint32_t read(std::size_t index, std::span<float> features) const {
    features[0] = static_cast<float>(index);
    return 1;
  }
  std::uint32_t read(std::size_t index, std::size_t epoch, std::span<float> features) const {
    features[0] = static_cast<float>(10 * epoch + index);
    return 2;
  }
};

}  // namespace

TEST_CASE("data::any: the samples of the data set that it holds") {
  const data::any held(pictures());
  CHECK(held.size() == 3);
  CHECK(data::shape_of(held) == lo::shape{1, 2, 1});
  CHECK(held.classes() == 2);
  CHECK(held.readers() == 1);
  std::vector<float> expected(2);
  std::vector<float> found(2);
  for (std::size_t n = 0; n < 3; ++n) {
    const std::uint32_t label = pictures().read(n, expected);
    CHECK(held.read(n, found) == label);
    CHECK(found == expected);
    CHECK(held.read(n, 9, found) == label);  // the same in every epoch
    CHECK(found == expected);
  }
  CHECK_THROWS_WITH_AS(held.read(3, found), "images: sample: expected less than 3, found 3", lo::shape_error);
}

TEST_CASE("data::any: epochs and readers are passed on") {
  const data::any held{slow{}};
  CHECK(data::shape_of(held) == lo::shape{1, 2, 3});
  CHECK(held.classes() == 5);
  CHECK(held.readers() == 7);
  std::vector<float> values(6);
  CHECK(held.read(3, values) == 1);
  CHECK(values[0] == 3);
  CHECK(held.read(3, 2, values) == 2);
  CHECK(values[0] == 23);
}

TEST_CASE("data::any: empty until something is assigned") {
  data::any held;
  CHECK(held.size() == 0);
  CHECK(held.classes() == 0);
  CHECK(held.readers() == 1);
  CHECK(data::shape_of(held).size() == 0);
  std::vector<float> values;
  CHECK_THROWS_WITH_AS(held.read(0, values), "any: sample: expected less than 0, found 0", lo::shape_error);
  CHECK_THROWS_WITH_AS(held.read(2, 1, values), "any: sample: expected less than 0, found 2", lo::shape_error);
  held = data::any(pictures());
  CHECK(held.size() == 3);
}

TEST_CASE("data::any: copies share the data, and a view keeps what it points to") {
  const slow source;
  const std::weak_ptr<int> alive = source.alive;
  const auto users = [&] { return alive.use_count() - 1; };  // besides `source` itself
  data::any view;
  {
    const data::any whole(source);
    const long held = users();
    const data::any copy = whole;
    CHECK(users() == held);
    view = data::any_view(whole, [](const data::any& all) { return data::subset(all, {2, 0}); });
    CHECK(users() == held);
  }
  CHECK(users() == 1);
  std::vector<float> values(6);
  CHECK(view.size() == 2);
  CHECK(view.readers() == 7);
  (void)view.read(0, values);
  CHECK(values[0] == 2);
  (void)view.read(1, 3, values);
  CHECK(values[0] == 30);
  view = data::any_view(view, [](const data::any& all) { return data::subset(all, 1, 1); });
  (void)view.read(0, values);
  CHECK(values[0] == 0);
  view = {};
  CHECK(users() == 0);
}

TEST_CASE("data::any: a loader's batches and an augmentation are those of the data set itself") {
  const data::images plain = data::synthetic_images(20, 6, 6, 1, 3, 1);
  const data::any held(plain);
  const data::augmentation options{.padding = 1, .flip = true};
  const data::augmented<data::images> expected(plain, options);
  const data::any augmented =
      data::any_view(held, [&](const data::any& all) { return data::augmented<data::any>(all, options); });
  data::loader<float, data::augmented<data::images>> first(expected, 8, 1);
  data::loader<float, data::any> second(augmented, 8, 1);
  for (std::size_t step = 0; step < first.steps(); ++step) {
    const auto a = first.get(1, step);
    const auto b = second.get(1, step);
    CHECK(std::vector<float>(a.features.begin(), a.features.end()) ==
          std::vector<float>(b.features.begin(), b.features.end()));
    CHECK(std::vector<std::uint32_t>(a.labels.begin(), a.labels.end()) ==
          std::vector<std::uint32_t>(b.labels.begin(), b.labels.end()));
  }
}

TEST_CASE("data::any: targets are passed on, and those of an epoch, too") {
  const std::vector<float> features{1, 2};
  const std::vector<float> targets{3, 4, 5, 6};
  const data::any held(data::arrays({1, 1, 1}, features, targets, 2));
  CHECK(held.targets() == 2);
  std::vector<float> target(2);
  held.read_target(1, target);
  CHECK(target == std::vector<float>{5, 6});
  held.read_target(0, 7, target);
  CHECK(target == std::vector<float>{3, 4});

  const data::images source = pictures();
  const data::mixup<data::images> expected(source, {.seed = 3});
  const data::any mixed =
      data::any_view(data::any(source), [](const data::any& all) { return data::mixup(all, {.seed = 3}); });
  std::vector<float> wanted(2);
  for (std::size_t epoch = 0; epoch < 5; ++epoch) {
    expected.read_target(2, epoch, wanted);
    mixed.read_target(2, epoch, target);
    CHECK(target == wanted);
  }
  CHECK(data::any(source).targets() == 0);
  CHECK(data::any().targets() == 0);
  CHECK_THROWS_WITH_AS(data::any(source).read_target(0, target),
                       "any: expected a data set with targets (read_target), found one without", lo::config_error);
  CHECK_THROWS_AS(data::any(source).read_target(0, 1, target), lo::config_error);
  CHECK_THROWS_AS(data::any().read_target(0, target), lo::shape_error);
}

TEST_CASE("data::any: bytes are passed on from a data set that gives them") {
  const data::any held(pictures());
  localis_test::check_pixels(held, 2);
  const data::augmentation options{.padding = 1, .flip = true};
  const data::any source(data::synthetic_images(5, 6, 6, 1, 3, 1));
  localis_test::check_pixels(
      data::any_view(source, [&](const data::any& all) { return data::augmented(all, options); }), 4);

  const data::any none{slow{}};
  CHECK(none.pixel_values().empty());
  std::vector<std::uint8_t> pixels(6);
  CHECK_THROWS_WITH_AS(none.read_pixels(0, pixels),
                       "any: expected a data set with bytes (read_pixels), found one without", lo::config_error);
  CHECK_THROWS_AS(none.read_pixels(0, 1, pixels), lo::config_error);
  CHECK(data::any().pixel_values().empty());
  CHECK_THROWS_WITH_AS(data::any().read_pixels(2, pixels), "any: sample: expected less than 0, found 2",
                       lo::shape_error);
}
