#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "support/layer_net.hpp"
#include <doctest/doctest.h>

#include <localis/core/random.hpp>

/// Layers that normalize or compare within a sample, against loops written from their formulas.
namespace localis_test::by_formula {

inline constexpr std::size_t samples = 3;
inline constexpr std::size_t height = 4;
inline constexpr std::size_t width = 5;
inline constexpr std::size_t channels = 3;
using input = localis::image<height, width, channels>;

inline std::vector<double> features() {
  const localis::random_stream random(8, 0);
  std::vector<double> x(samples * height * width * channels);
  // Far from 0, where differences of squares would lose digits.
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = 100 + (1 + static_cast<double>(i % channels)) * random.normal(i);
  return x;
}

inline std::size_t index_of(std::size_t n, std::size_t y, std::size_t x, std::size_t c) {
  return ((n * height + y) * width + x) * channels + c;
}

/// (x[i] - mean) / sqrt(variance + epsilon) over the values named.
struct normal {
  double mean = 0;
  double deviation = 0;
  normal(const std::vector<double>& x, const std::vector<std::size_t>& indices, double epsilon) {
    for (const std::size_t i : indices) mean += x[i] / static_cast<double>(indices.size());
    for (const std::size_t i : indices)
      deviation += (x[i] - mean) * (x[i] - mean) / static_cast<double>(indices.size());
    deviation = std::sqrt(deviation + epsilon);
  }
  [[nodiscard]] double value(double x) const { return (x - mean) / deviation; }
};

/// The layer gives what `expected(x, n, y, x, c)` says, on both sides of the boundary and in evaluation.
template <class Layer, class F>
void check_values(const F& expected, double tolerance = 1e-12) {
  const std::vector<double> x = features();
  layer_net<input, Layer> net(samples);
  const std::vector<double> output = net.forward(x);
  CHECK(net.forward(x, {.boundary = 1}) == output);
  CHECK(net.predict(x) == output);
  REQUIRE(output.size() == x.size());
  for (std::size_t n = 0; n < samples; ++n) {
    for (std::size_t p = 0; p < height * width; ++p) {
      for (std::size_t c = 0; c < channels; ++c) {
        const std::size_t row = p / width;
        const std::size_t column = p % width;
        CHECK(std::abs(output[index_of(n, row, column, c)] - expected(x, n, row, column, c)) < tolerance);
      }
    }
  }
}

}  // namespace localis_test::by_formula
