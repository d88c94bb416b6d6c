#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include <localis/data/dataset.hpp>

namespace localis_test {

/// The features that bytes stand for, by the table of their data set.
inline std::vector<float> look_up(std::span<const std::uint8_t> pixels, std::span<const float> values) {
  const std::size_t channels = values.size() / 256;
  std::vector<float> features;
  for (std::size_t i = 0; i < pixels.size(); ++i) features.push_back(values[pixels[i] * channels + i % channels]);
  return features;
}

inline void same_bits(std::span<const float> found, std::span<const float> expected) {
  REQUIRE(found.size() == expected.size());
  CHECK(std::memcmp(found.data(), expected.data(), found.size_bytes()) == 0);
}

/// Checks that the bytes of a data set stand for its features, bit by bit, in evaluation and in some epochs.
template <class Dataset>
void check_pixels(const Dataset& data, std::size_t epochs = 1) {
  namespace d = localis::data;
  const std::vector<float> values = data.pixel_values();
  REQUIRE(values.size() == 256 * data.channels());
  std::vector<float> features(d::shape_of(data).size());
  std::vector<std::uint8_t> pixels(features.size());
  for (std::size_t index = 0; index < data.size(); ++index) {
    CHECK(data.read_pixels(index, pixels) == data.read(index, features));
    same_bits(look_up(pixels, values), features);
    for (std::size_t epoch = 0; epoch < epochs; ++epoch) {
      CHECK(d::read_pixels_in_epoch(data, index, epoch, pixels) == d::read_in_epoch(data, index, epoch, features));
      same_bits(look_up(pixels, values), features);
    }
  }
}

}  // namespace localis_test
