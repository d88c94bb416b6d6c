#pragma once

#include <cmath>
#include <cstddef>

#include <localis/config.hpp>
#include <localis/math/exponential.hpp>
#include <localis/math/largest.hpp>
#include <localis/math/mean.hpp>

namespace localis::math {

/// to = share exp(scale from) / sum exp(scale from) over one row; stable for any finite row. Returns the logarithm of
/// the sum.
template <class T>
constexpr T softmax_row(const T* from, T* to, std::size_t size, T scale, T share = T(1)) {
  const T top = largest_of<T>(size, [=](std::size_t k) { return scale * from[k]; });
  LOCALIS_VECTORIZE
  for (std::size_t k = 0; k < size; ++k) to[k] = exp_of_negative(scale * from[k] - top);
  const T sum = sum_of<T>(size, [=](std::size_t k) { return to[k]; });
  const T factor = share / sum;
  LOCALIS_VECTORIZE
  for (std::size_t k = 0; k < size; ++k) to[k] *= factor;
  return std::log(sum) + top;
}

}  // namespace localis::math
