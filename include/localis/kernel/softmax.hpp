#pragma once

#include <cmath>
#include <cstddef>

namespace localis::kernel {

/// to = exp(scale from) / sum exp(scale from) over one row; stable for any finite row.
template <class T>
void softmax_row(const T* from, T* to, std::size_t size, T scale) {
  T top = scale * from[0];
  for (std::size_t k = 1; k < size; ++k) top = scale * from[k] > top ? scale * from[k] : top;
  T sum = 0;
  for (std::size_t k = 0; k < size; ++k) {
    to[k] = std::exp(scale * from[k] - top);
    sum += to[k];
  }
  for (std::size_t k = 0; k < size; ++k) to[k] /= sum;
}

}  // namespace localis::kernel
