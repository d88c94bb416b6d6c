#pragma once

#include <cstddef>
#include <cstdint>

#include <localis/config.hpp>
#include <localis/math/mean.hpp>
#include <localis/math/softmax.hpp>

namespace localis::kernel {

/// Softmax over the channels of one position: y = softmax(sharpness x); y may be x.
template <class T>
struct softmax {
  const T* x;
  T* y;
  std::size_t channels;
  T sharpness;

  constexpr void operator()(std::size_t row) const {
    math::softmax_row(x + row * channels, y + row * channels, channels, sharpness);
  }
};

/// Gradient of the softmax: dx = sharpness y (dy - sum over channels of dy y); dx may be dy.
template <class T>
struct softmax_gradient {
  const T* y;
  const T* dy;
  T* dx;
  std::size_t channels;
  T sharpness;

  constexpr void operator()(std::size_t row) const {
    const T* p = y + row * channels;
    const T* d = dy + row * channels;
    T* out = dx + row * channels;
    const T sum = math::sum_of<T>(channels, [=](std::size_t c) { return d[c] * p[c]; });
    LOCALIS_VECTORIZE
    for (std::size_t c = 0; c < channels; ++c) out[c] = sharpness * p[c] * (d[c] - sum);
  }
};

/// The gradient of the softmax cross entropy of one sample: scale (softmax(z) - [label]), in place.
template <class T>
struct softmax_error {
  T* logits;
  const std::uint32_t* labels;
  std::size_t classes;
  T scale;

  constexpr void operator()(std::size_t row) const {
    T* z = logits + row * classes;
    math::softmax_row(static_cast<const T*>(z), z, classes, T(1), scale);
    z[labels[row]] -= scale;
  }
};

}  // namespace localis::kernel
