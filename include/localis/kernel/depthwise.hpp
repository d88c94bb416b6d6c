#pragma once

#include <cstddef>

#include <localis/core/shape.hpp>
#include <localis/kernel/divide.hpp>
#include <localis/kernel/indexed_map.hpp>
#include <localis/kernel/unfold.hpp>

/// Kernels of the depthwise convolution that compute element by element, for backends that give every element a thread
/// of its own. Each channel has its own window of weights: W is C x (kh kw).
namespace localis::kernel {

/// Depthwise response: u_c = sum over the window of w_c x_c, for rows first, first + every, ... of X.
template <class T>
struct depthwise_response {
  indexed_map map;
  const T* x;
  const T* w;
  T* u;
  std::size_t first = 0;
  std::size_t every = 1;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    const std::size_t cells = map.field.positions();
    const auto place = map.by_out_positions(narrow(first + row * every));
    const T* sample = x + place.whole * map.in.size();
    T* out = u + row * map.outputs();
    for (std::size_t c = begin; c < end; ++c) {
      T sum = 0;
      detail::for_each_pixel(map, place.remainder, [&](std::size_t cell, std::size_t pixel) {
        sum += w[c * cells + cell] * sample[pixel + c];
      });
      out[c] = sum;
    }
  }
};

/// Depthwise weight products: sums[cell][c] += d_c x_c, where x is the pixel under the cell. Rows first, first + every,
/// ... of X are paired with rows 0, 1, ... of d, which lie `stride` values apart; if d is null, d_c is 1.
template <class T>
struct depthwise_products {
  indexed_map map;
  const T* x;
  const T* d;  ///< may be null
  std::size_t stride;
  std::size_t first;
  std::size_t every;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end, T* sums) const {
    const std::size_t channels = map.outputs();
    const auto place = map.by_out_positions(narrow(first + row * every));
    const T* sample = x + place.whole * map.in.size();
    detail::for_each_pixel(map, place.remainder, [&](std::size_t cell, std::size_t pixel) {
      for (std::size_t c = begin; c < end; ++c) {
        sums[cell * channels + c] += (d == nullptr ? T(1) : d[row * stride + c]) * sample[pixel + c];
      }
    });
  }
};

/// Depthwise input gradient: dx_c = sum of w_c d_c over the windows that see the pixel. Each row is one input position
/// of one sample.
template <class T>
struct depthwise_input_gradient {
  indexed_map map;
  const T* d;
  const T* w;
  T* dx;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    const std::size_t cells = map.field.positions();
    const std::size_t channels = map.outputs();
    const auto place = map.by_in_positions(narrow(row));
    const T* errors = d + place.whole * map.out.size();
    for (std::size_t c = begin; c < end; ++c) {
      T sum = 0;
      detail::for_each_window(map, place.remainder, [&](std::size_t cell, std::size_t position) {
        sum += w[c * cells + cell] * errors[position * channels + c];
      });
      dx[row * channels + c] = sum;
    }
  }
};

}  // namespace localis::kernel
