#pragma once

#include <cmath>
#include <cstddef>

#include <localis/config.hpp>
#include <localis/math/exponential.hpp>
#include <localis/math/largest.hpp>
#include <localis/math/mean.hpp>
#include <localis/math/team.hpp>

namespace localis::math {

/// target = total exp(scale source) / sum exp(scale source) over one row; stable for any finite row. Returns the
/// logarithm of the sum.   top: the largest of scale source
template <class T, class Team>
constexpr T softmax_below(T top, const T* source, T* target, std::size_t size, T scale, T total, const Team& team) {
  LOCALIS_VECTORIZE
  for (std::size_t k = team.lane(); k < size; k += team.lanes()) target[k] = exp_of_negative(scale * source[k] - top);
  const T sum = sum_of<T>(
      size, [=](std::size_t k) { return target[k]; }, team);
  const T factor = total / sum;
  LOCALIS_VECTORIZE
  for (std::size_t k = team.lane(); k < size; k += team.lanes()) target[k] *= factor;
  return std::log(sum) + top;
}
/// softmax_below of a row whose largest value is not known.
template <class T, class Team = team_of_one>
constexpr T softmax_row(const T* source, T* target, std::size_t size, T scale, T total = T(1), const Team& team = {}) {
  const T top = largest_of<T>(
      size, [=](std::size_t k) { return scale * source[k]; }, team);
  return softmax_below(top, source, target, size, scale, total, team);
}

}  // namespace localis::math
