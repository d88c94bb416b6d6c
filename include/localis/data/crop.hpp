#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/core/random.hpp>
#include <localis/data/resize.hpp>

/// Cuts pictures of any size to squares of one size, for evaluation and for training.
namespace localis::data {

/// Describes how a picture becomes a sample: the part `source` of the picture is resized to height x width, and the
/// part `kept` of the result is the sample.
struct cut {
  region source;
  std::size_t height;
  std::size_t width;
  region kept;
};

/// The cut for evaluation: the picture is resized so that its shorter side is `shorter_side`, and the central square of
/// `side` is kept.
/// Errors: config_error unless 1 <= side <= shorter_side and the picture has pixels.
/// Source: torchvision's Resize and CenterCrop; half a pixel is rounded to the even corner.
[[nodiscard]] inline cut centre_cut(std::size_t height, std::size_t width, std::size_t shorter_side, std::size_t side) {
  const std::size_t shorter = (std::min)(height, width);
  expect(shorter > 0, "centre_cut: shorter side of the picture", "at least 1", shorter);
  if (side == 0 || side > shorter_side)
    throw config_error(text("centre_cut: side: expected 1 to the shorter side, ", shorter_side, ", found ", side));
  const auto resized = [&](std::size_t extent) { return shorter_side * extent / shorter; };
  const auto corner = [&](std::size_t extent) {
    const std::size_t spare = extent - side;
    return spare / 2 + (spare % 4 == 3 ? 1 : 0);
  };
  const std::size_t to_height = resized(height);
  const std::size_t to_width = resized(width);
  return {{0, 0, height, width}, to_height, to_width, {corner(to_height), corner(to_width), side, side}};
}

/// The ranges that random_cut draws from: the fraction of the area of the picture, and the ratio of width to height.
struct random_cut_range {
  double least_area = 0.08;
  double most_area = 1.0;
  double least_ratio = 3.0 / 4.0;
  double most_ratio = 4.0 / 3.0;

  /// Errors: config_error unless 0 < least <= most <= 1 for the area, 0 < least <= most for the ratio.
  void validate() const {
    if (!(is_finite(least_area) && is_finite(most_area) && least_area > 0 && least_area <= most_area && most_area <= 1))
      throw config_error(
          text("random_cut: area: expected 0 < least <= most <= 1, found ", least_area, " and ", most_area));
    if (!(is_finite(least_ratio) && is_finite(most_ratio) && least_ratio > 0 && least_ratio <= most_ratio))
      throw config_error(
          text("random_cut: ratio: expected 0 < least <= most, found ", least_ratio, " and ", most_ratio));
  }
};

/// The cut for training: a part of random area (uniform), ratio (uniform in its logarithm) and position, resized to a
/// square of `side`. After ten draws that do not fit, it is the largest central part whose ratio is within the range.
/// Errors: config_error for the range, a side of 0 and a picture without pixels.
/// Source: torchvision's RandomResizedCrop; C. Szegedy et al., "Going deeper with convolutions", CVPR 2015.
[[nodiscard]] inline cut random_cut(std::size_t height, std::size_t width, std::size_t side,
                                    const random_cut_range& range, const random_stream& random) {
  range.validate();
  expect(side > 0, "random_cut: side", "at least 1", side);
  expect(height > 0 && width > 0, "random_cut: shorter side of the picture", "at least 1", (std::min)(height, width));
  const auto rounded = [](double value) { return static_cast<std::size_t>(std::nearbyint(value)); };
  const region whole{0, 0, side, side};
  const double area = static_cast<double>(height) * static_cast<double>(width);
  const double log_least = std::log(range.least_ratio);
  const double log_most = std::log(range.most_ratio);
  for (std::uint64_t draw = 0; draw < 40; draw += 4) {
    const double part = area * (range.least_area + (range.most_area - range.least_area) * random.uniform(draw));
    const double ratio = std::exp(log_least + (log_most - log_least) * random.uniform(draw + 1));
    const std::size_t columns = rounded(std::sqrt(part * ratio));
    const std::size_t rows = rounded(std::sqrt(part / ratio));
    if (columns == 0 || columns > width || rows == 0 || rows > height) continue;
    const std::size_t top = random.integer(draw + 2, height - rows + 1);
    const std::size_t left = random.integer(draw + 3, width - columns + 1);
    return {{top, left, rows, columns}, side, side, whole};
  }
  const double ratio = static_cast<double>(width) / static_cast<double>(height);
  std::size_t rows = height;
  std::size_t columns = width;
  if (ratio < range.least_ratio)
    rows = std::max<std::size_t>(1, rounded(static_cast<double>(width) / range.least_ratio));
  if (ratio > range.most_ratio)
    columns = std::max<std::size_t>(1, rounded(static_cast<double>(height) * range.most_ratio));
  return {{(height - rows) / 2, (width - columns) / 2, rows, columns}, side, side, whole};
}

}  // namespace localis::data
