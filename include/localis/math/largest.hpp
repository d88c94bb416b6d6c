#pragma once

#include <cstddef>

#include <localis/config.hpp>

namespace localis::math {

/// The largest of value(0) ... value(size - 1), size >= 1, found in 16 interleaved parts so that the loop vectorizes.
template <class T, class Value>
constexpr T largest_of(std::size_t size, const Value& value) {
  constexpr std::size_t width = 16;
  T result = value(0);
  std::size_t i = 0;
  if (size >= width) {
    T parts[width];
    for (T& part : parts) part = result;
    for (; i + width <= size; i += width) {
      LOCALIS_VECTORIZE
      for (std::size_t j = 0; j < width; ++j) parts[j] = value(i + j) > parts[j] ? value(i + j) : parts[j];
    }
    for (std::size_t half = width / 2; half > 0; half /= 2) {
      LOCALIS_VECTORIZE
      for (std::size_t j = 0; j < half; ++j) parts[j] = parts[j + half] > parts[j] ? parts[j + half] : parts[j];
    }
    result = parts[0];
  }
  for (; i < size; ++i) result = value(i) > result ? value(i) : result;
  return result;
}

/// Index of the first of the largest values of a row; 0 if every value is NaN.
template <class T>
constexpr std::size_t place_of_largest(const T* x, std::size_t size) {
  const T result = largest_of<T>(size, [x](std::size_t i) { return x[i]; });
  for (std::size_t i = 0; i < size; ++i) {
    if (x[i] == result) return i;
  }
  return 0;
}

}  // namespace localis::math
