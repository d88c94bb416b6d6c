#pragma once

#include <cstddef>

#include <localis/config.hpp>

namespace localis::math {

/// The sum value(0) + ... + value(size - 1), added in 16 interleaved parts so that the loop vectorizes and rounding
/// errors accumulate over short chains.
template <class T, class Value>
constexpr T sum_of(std::size_t size, const Value& value) {
  constexpr std::size_t width = 16;
  T sum = 0;
  std::size_t i = 0;
  if (size >= width) {
    T parts[width] = {};
    for (; i + width <= size; i += width) {
      LOCALIS_VECTORIZE
      for (std::size_t j = 0; j < width; ++j) parts[j] += value(i + j);
    }
    for (std::size_t half = width / 2; half > 0; half /= 2) {
      LOCALIS_VECTORIZE
      for (std::size_t j = 0; j < half; ++j) parts[j] += parts[j + half];
    }
    sum = parts[0];
  }
  for (; i < size; ++i) sum += value(i);
  return sum;
}

/// The mean of a row of at least one value, computed relative to the first value, so that it is exact if all values are
/// equal.
template <class T>
constexpr T mean_of(const T* x, std::size_t size) {
  const T center = x[0];
  return center + sum_of<T>(size, [=](std::size_t i) { return x[i] - center; }) / static_cast<T>(size);
}

}  // namespace localis::math
