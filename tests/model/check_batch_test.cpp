#include <cstdint>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include <localis/core/error.hpp>
#include <localis/loss/mean_squared_error.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/check_batch.hpp>

namespace lo = localis;
namespace detail = lo::detail;
using labels = std::vector<std::uint32_t>;

// What a model says of wrong batches is in model_test.cpp; here is what it says nothing of.

TEST_CASE("check_batch: without a number of classes there are as many as outputs") {
  CHECK(detail::class_count(0, 7) == 7);
  CHECK(detail::class_count(5, 7) == 5);
}

TEST_CASE("check_batch: what fits is accepted") {
  const std::vector<float> features(24);
  detail::check_features<float>("f", {1, 2, 3}, {.size = 4, .features = features});
  const std::vector<std::uint8_t> pixels(24);
  const std::vector<float> pixel_values(256 * 3);
  const lo::data::batch_view<float> bytes{.size = 4, .pixels = pixels, .pixel_values = pixel_values};
  detail::check_features("f", {1, 2, 3}, bytes);
  detail::check_pixels("f", bytes, {.pixels = true});
  detail::check_pixels<float>("f", {.size = 4, .features = features}, {});
  detail::check_classes("f", 7, 7);
  detail::check_step({.boundary = 2, .local_rate = 0.1}, {.lowest_boundary = 1, .highest_boundary = 2});
  const labels right{0, 1, 2};
  detail::check_targets<lo::loss::softmax_cross_entropy, double>("f", {}, right, {}, 3, 3, 0);
  const std::vector<double> targets(9, -2.0);
  detail::check_targets<lo::loss::mean_squared_error, double>("f", {}, {}, targets, 3, 3, 0);
}

TEST_CASE("check_batch: memory that was prepared for less than the step wants") {
  CHECK_THROWS_WITH_AS(detail::check_step({}, {.training = false}),
                       "model::forward: expected memory prepared for training, found prepared for predictions only",
                       lo::config_error);
  CHECK_THROWS_WITH_AS(
      detail::check_step({.local_rate = 0.5}, {.local_learning = false}),
      "model::forward: local_rate: expected 0, since the memory was prepared without local learning, found 0.5",
      lo::config_error);
  CHECK_THROWS_WITH_AS(detail::check_step({.normalization = lo::prefix_normalization::batch}, {}),
                       "model::forward: normalization: expected running or frozen, as prepared "
                       "(memory_request::normalization), found batch",
                       lo::config_error);
  detail::check_step({.normalization = lo::prefix_normalization::batch},
                     {.normalization = lo::prefix_normalization::batch});
}

TEST_CASE("check_batch: bytes that do not fit, or were not prepared for") {
  const std::vector<std::uint8_t> pixels(12);
  const std::vector<float> table(256 * 2);
  const lo::data::batch_view<double> bytes{.size = 2, .pixels = pixels, .pixel_values = table};
  CHECK_THROWS_WITH_AS(detail::check_features("f", {1, 2, 3}, bytes),
                       "f: pixel_values: expected 256 x 3 channels, found 512", lo::shape_error);
  CHECK_THROWS_WITH_AS(detail::check_features("f", {1, 2, 2}, bytes),
                       "f: expected 2 samples of 1x2x2 = 8 values (at least one sample), found 12", lo::shape_error);
  CHECK_THROWS_WITH_AS(detail::check_pixels("f", bytes, {}),
                       "f: pixels: expected features, since the memory was prepared without memory_request::pixels, "
                       "found bytes",
                       lo::config_error);
}

TEST_CASE("check_batch: a message shows the first values of a row") {
  const std::vector<double> row{1, 2, 3, 4, 5, 6, 7, 8, 9};
  CHECK(detail::row_text(std::span<const double>(row).first(3)) == "1 2 3");
  CHECK(detail::row_text(std::span<const double>(row).first(8)) == "1 2 3 4 5 6 7 8");
  CHECK(detail::row_text(std::span<const double>(row)) == "1 2 3 4 5 6 7 8 ...");
}
