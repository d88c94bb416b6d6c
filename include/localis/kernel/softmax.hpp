#pragma once

#include <cmath>
#include <cstddef>

#include <localis/config.hpp>
#include <localis/kernel/exponential.hpp>
#include <localis/kernel/largest.hpp>
#include <localis/kernel/mean.hpp>

namespace localis::kernel {

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

/// One position's channels:  y = softmax(sharpness x);  y may be x.
template <class T>
struct softmax {
  const T* x;
  T* y;
  std::size_t channels;
  T sharpness;

  constexpr void operator()(std::size_t row) const {
    softmax_row(x + row * channels, y + row * channels, channels, sharpness);
  }
};

/// dx = sharpness y (dy - sum over channels of dy y);  dx may be dy.
template <class T>
struct softmax_gradient {
  const T* y;
  const T* dy;
  T* dx;
  std::size_t channels;
  T sharpness;

  constexpr void operator()(std::size_t row) const {
    const T* share = y + row * channels;
    const T* d = dy + row * channels;
    T* out = dx + row * channels;
    const T sum = sum_of<T>(channels, [=](std::size_t c) { return d[c] * share[c]; });
    LOCALIS_VECTORIZE
    for (std::size_t c = 0; c < channels; ++c) out[c] = sharpness * share[c] * (d[c] - sum);
  }
};

}  // namespace localis::kernel
