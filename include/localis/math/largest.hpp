#pragma once

#include <cstddef>

#include <localis/config.hpp>
#include <localis/math/team.hpp>

namespace localis::math {

/// The largest of value(0) ... value(size - 1), size >= 1, found by each lane in interleaved parts so that the loop
/// vectorizes. All lanes read value(0).
template <class T, class Value, class Team = team_of_one>
constexpr T largest_of(std::size_t size, const Value& value, const Team& team = {}) {
#if defined(__CUDA_ARCH__)
  constexpr std::size_t width = 16;
#else
  constexpr std::size_t width = 32;  // an inner loop of 16 is unrolled by g++, which finds no vectors in it then
#endif
  const std::size_t lanes = team.lanes();
  const std::size_t reach = (width - 1) * lanes;
  const std::size_t end = size > reach ? size - reach : 0;
  T result = value(0);
  std::size_t i = team.lane();
  if (i < end) {
    T parts[width];
    for (T& part : parts) part = result;
    for (; i < end; i += width * lanes) {
      LOCALIS_VECTORIZE
      for (std::size_t j = 0; j < width; ++j) {
        const T next = value(i + j * lanes);
        parts[j] = next > parts[j] ? next : parts[j];
      }
    }
    for (std::size_t half = width / 2; half > 0; half /= 2) {
      LOCALIS_VECTORIZE
      for (std::size_t j = 0; j < half; ++j) parts[j] = parts[j + half] > parts[j] ? parts[j + half] : parts[j];
    }
    result = parts[0];
  }
  for (; i < size; i += lanes) result = value(i) > result ? value(i) : result;
  return team.largest(result);
}

/// Index of the first of the largest values of a row; 0 if every value is NaN.
template <class T, class Team = team_of_one>
constexpr std::size_t place_of_largest(const T* x, std::size_t size, const Team& team = {}) {
  const T result = largest_of<T>(
      size, [x](std::size_t i) { return x[i]; }, team);
  std::size_t place = team.lane();
  while (place < size && !(x[place] == result)) place += team.lanes();
  place = team.smallest(place);
  return place < size ? place : 0;
}

}  // namespace localis::math
