#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/core/random.hpp>
#include <localis/core/shape.hpp>
#include <localis/data/dataset.hpp>

namespace localis::data {

/// Generates pictures that a network can learn, for tests and benchmarks. Each class is a random pattern of patches of
/// 4 x 4 pixels (so that it survives pooling); each picture is the pattern of its class plus normal noise per pixel,
/// clipped to 0 and 255. Sample i has class i modulo `classes`, and is a pure function of (seed, i).
///
/// @param noise  standard deviation, as a fraction of the full range of a pixel; patterns are uniform in that range
/// @param first  index of the first sample: the same seed with another range of indices gives more pictures of the same
///                     classes
/// Errors: config_error for a count, classes of 0 or a noise that is negative or not finite; shape_error for the shape.
[[nodiscard, gnu::cold]] inline images synthetic_images(std::size_t count, std::size_t height, std::size_t width,
                                                        std::size_t channels, std::size_t classes, std::uint64_t seed,
                                                        double noise = 0.2, std::size_t first = 0) {
  constexpr std::size_t patch = 4;
  constexpr std::uint64_t pattern_stream = 0x7061747465726E;  // "pattern"
  constexpr std::uint64_t noise_stream = 0x6E6F697365;        // "noise"
  expect(count > 0, "synthetic_images: count", "at least 1", count);
  expect(classes > 0 && classes <= 0xFFFFFFFF, "synthetic_images: classes", "1 to 2^32 - 1", classes);
  expect(noise >= 0 && is_finite(noise), "synthetic_images: noise", "at least 0 and finite", noise);
  const shape extents{height, width, channels};
  detail::check_shape("synthetic_images", extents);

  const random_stream patterns(seed, pattern_stream);
  const random_stream noises(seed, noise_stream);
  const std::size_t patch_columns = (width + patch - 1) / patch;
  const std::size_t patch_rows = (height + patch - 1) / patch;

  std::vector<std::uint8_t> pixels(count * extents.size());
  std::vector<std::uint32_t> labels(count);
  std::size_t next = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t sample = first + i;
    const std::size_t label = sample % classes;
    labels[i] = static_cast<std::uint32_t>(label);
    std::size_t value = sample * extents.size();
    for (std::size_t y = 0; y < height; ++y)
      for (std::size_t x = 0; x < width; ++x)
        for (std::size_t c = 0; c < channels; ++c) {
          const std::size_t place = ((label * patch_rows + y / patch) * patch_columns + x / patch) * channels + c;
          const double pixel = 255.0 * (patterns.uniform(place) + noise * noises.normal(value++));
          pixels[next++] = static_cast<std::uint8_t>(std::lround(std::clamp(pixel, 0.0, 255.0)));
        }
  }
  return images(extents, std::move(pixels), std::move(labels), classes);
}

}  // namespace localis::data
