#pragma once

#include <cstddef>

#include <localis/config.hpp>
#include <localis/math/team.hpp>

namespace localis::math {

/// The sum value(0) + ... + value(size - 1), added by each lane in 16 interleaved parts so that the loop vectorizes and
/// rounding errors accumulate over short chains.
template <class T, class Value, class Team = team_of_one>
constexpr T sum_of(std::size_t size, const Value& value, const Team& team = {}) {
  constexpr std::size_t width = 16;
  const std::size_t lanes = team.lanes();
  const std::size_t reach = (width - 1) * lanes;
  const std::size_t end = size > reach ? size - reach : 0;
  T sum = 0;
  std::size_t i = team.lane();
  if (i < end) {
    T parts[width] = {};
    for (; i < end; i += width * lanes) {
      LOCALIS_VECTORIZE
      for (std::size_t j = 0; j < width; ++j) parts[j] += value(i + j * lanes);
    }
    for (std::size_t half = width / 2; half > 0; half /= 2) {
      LOCALIS_VECTORIZE
      for (std::size_t j = 0; j < half; ++j) parts[j] += parts[j + half];
    }
    sum = parts[0];
  }
  for (; i < size; i += lanes) sum += value(i);
  return team.sum(sum);
}

/// The mean of value(0) ... value(size - 1), of which there is at least one, computed relative to the first, so that it
/// is exact if all values are equal.
template <class T, class Value, class Team = team_of_one>
constexpr T mean_of(std::size_t size, const Value& value, const Team& team = {}) {
  const T center = value(0);
  const auto offset = [=](std::size_t i) { return value(i) - center; };
  return center + sum_of<T>(size, offset, team) / static_cast<T>(size);
}
/// The mean of a row of at least one value.
template <class T, class Team = team_of_one>
constexpr T mean_of(const T* x, std::size_t size, const Team& team = {}) {
  return mean_of<T>(
      size, [=](std::size_t i) { return x[i]; }, team);
}

}  // namespace localis::math
