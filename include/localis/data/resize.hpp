#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/shape.hpp>

namespace localis::data {

/// A colour picture in memory: height x width x 3 bytes, red, green, blue.
struct picture {
  std::size_t height = 0;
  std::size_t width = 0;
  std::vector<std::uint8_t> rgb;
};

/// A rectangle of a picture, in pixels.
struct region {
  std::size_t top = 0;
  std::size_t left = 0;
  std::size_t height = 0;
  std::size_t width = 0;
  constexpr bool operator==(const region&) const = default;
};

namespace detail {

/// One axis of a resize: the old pixels that contribute to each new one, with their weights in units of 2^-22.
struct resampling {
  static constexpr int precision = 32 - 8 - 2;

  struct tap {
    std::size_t first;  ///< old pixel
    std::size_t count;
    std::size_t weights;  ///< index of its first weight
  };
  std::vector<tap> taps;
  std::vector<std::int32_t> weights;

  /// The new pixels `first` ... `first + count - 1`, where `old_size` old ones become `new_size`.
  resampling(std::size_t old_size, std::size_t new_size, std::size_t first, std::size_t count) {
    const double scale = static_cast<double>(old_size) / static_cast<double>(new_size);
    const double support = (std::max)(scale, 1.0);  // a triangle that widens with the shrinking: no aliasing
    std::vector<double> unscaled;
    for (std::size_t i = first; i < first + count; ++i) {
      const double centre = (static_cast<double>(i) + 0.5) * scale;
      const auto begin = static_cast<std::size_t>((std::max)(0.0, centre - support + 0.5));
      const auto end = (std::min)(old_size, static_cast<std::size_t>(centre + support + 0.5));
      unscaled.clear();
      double sum = 0;
      for (std::size_t x = begin; x < end; ++x) {
        const double distance = (std::abs)((static_cast<double>(x) - centre + 0.5) * (1.0 / support));
        unscaled.push_back((std::max)(0.0, 1.0 - distance));
        sum += unscaled.back();
      }
      taps.push_back({begin, end - begin, weights.size()});
      for (const double value : unscaled)
        weights.push_back(static_cast<std::int32_t>(0.5 + value / sum * (1 << precision)));
    }
  }

  /// Computes one new value from old ones that lie `step` apart.
  [[nodiscard]] std::uint8_t apply(const tap& place, const std::uint8_t* old, std::size_t step) const {
    std::int32_t sum = 1 << (precision - 1);
    for (std::size_t i = 0; i < place.count; ++i) sum += old[(place.first + i) * step] * weights[place.weights + i];
    return static_cast<std::uint8_t>(std::clamp(sum >> precision, 0, 255));
  }
};

/// resize() for pixels of any number of channels.
inline void resize_pixels(std::span<const std::uint8_t> original, const shape& extents, const region& source,
                          std::size_t height, std::size_t width, const region& kept, std::span<std::uint8_t> pixels) {
  const std::size_t channels = extents.channels;
  const auto fits = [](const region& part, std::size_t rows, std::size_t columns) {
    return part.height > 0 && part.width > 0 && part.height <= rows && part.top <= rows - part.height &&
           part.width <= columns && part.left <= columns - part.width;
  };
  const auto describe = [](const region& part) {
    return text(part.height, 'x', part.width, " from row ", part.top, ", column ", part.left);
  };
  if (original.size() != extents.size() || !fits(source, extents.height, extents.width))
    throw shape_error(text("resize: source: expected a part of the ", extents.height, 'x', extents.width,
                           " pixels, found ", describe(source)));
  if (!fits(kept, height, width))
    throw shape_error(
        text("resize: kept: expected a part of the ", height, 'x', width, " pixels, found ", describe(kept)));
  if (pixels.size() != kept.height * kept.width * channels)
    throw shape_error(
        text("resize: values: expected ", kept.height * kept.width * channels, ", found ", pixels.size()));

  const resampling horizontal(source.width, width, kept.left, kept.width);
  const resampling vertical(source.height, height, kept.top, kept.height);
  const std::size_t first_row = vertical.taps.front().first;
  const std::size_t rows = vertical.taps.back().first + vertical.taps.back().count - first_row;
  const std::size_t stride = kept.width * channels;
  std::vector<std::uint8_t> narrow(rows * stride);
  std::uint8_t* target = narrow.data();
  for (std::size_t y = 0; y < rows; ++y) {
    const std::uint8_t* row = original.data() + ((source.top + first_row + y) * extents.width + source.left) * channels;
    for (const auto& tap : horizontal.taps)
      for (std::size_t c = 0; c < channels; ++c) *target++ = horizontal.apply(tap, row + c, channels);
  }
  std::uint8_t* pixel = pixels.data();
  for (resampling::tap tap : vertical.taps) {
    tap.first -= first_row;
    for (std::size_t i = 0; i < stride; ++i) *pixel++ = vertical.apply(tap, narrow.data() + i, stride);
  }
}

}  // namespace detail

/// Cuts `source` out of a picture, resizes it to height x width, and writes the bytes of the part `kept` of the result;
/// only that part is computed. The filter is a triangle, which is wider if the picture shrinks ("bilinear with
/// antialiasing"). It is applied to the columns first, and each pass is rounded to bytes.
///
/// @param pixels  kept.height * kept.width * 3 bytes
/// Errors: shape_error for regions that do not lie within their pictures or are empty, or pixels of another size.
/// Source: `Image.resize` of Pillow, with the same bytes; from version 13 on Pillow may resize the rows first, which
///         changes some bytes by 1.
inline void resize(const picture& original, const region& source, std::size_t height, std::size_t width,
                   const region& kept, std::span<std::uint8_t> pixels) {
  detail::resize_pixels(original.rgb, {original.height, original.width, 3}, source, height, width, kept, pixels);
}

}  // namespace localis::data
