#pragma once

#include <cmath>
#include <cstddef>

namespace localis::kernel {

/// to = share exp(scale from) / sum exp(scale from) over one row; stable for any finite row. Returns the logarithm of
/// the sum.
template <class T>
T softmax_row(const T* from, T* to, std::size_t size, T scale, T share = T(1)) {
  T top = scale * from[0];
  for (std::size_t k = 1; k < size; ++k) top = scale * from[k] > top ? scale * from[k] : top;
  T sum = 0;
  for (std::size_t k = 0; k < size; ++k) {
    to[k] = std::exp(scale * from[k] - top);
    sum += to[k];
  }
  for (std::size_t k = 0; k < size; ++k) to[k] = share * to[k] / sum;
  return std::log(sum) + top;
}

}  // namespace localis::kernel
