#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace localis::data {

/// A view of one batch, valid until the next get() of its loader. It has features or, in their place, bytes.
template <class Scalar>
struct batch_view {
  std::size_t size = 0;                      ///< samples; the last batch of an epoch may have fewer
  std::span<const Scalar> features{};        ///< size x height x width x channels
  std::span<const std::uint32_t> labels{};   ///< size
  std::span<const Scalar> targets{};         ///< size x targets; empty without targets
  std::span<const std::uint32_t> indices{};  ///< size; the numbers of the samples in the data set
  std::span<const std::uint8_t> pixels{};    ///< size x height x width x channels; empty if there are features
  std::span<const float> pixel_values{};     ///< 256 x channels: what the bytes stand for (data::dataset_with_pixels)
};

}  // namespace localis::data
