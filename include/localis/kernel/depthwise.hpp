#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <localis/core/shape.hpp>
#include <localis/kernel/divide.hpp>
#include <localis/kernel/indexed_map.hpp>
#include <localis/kernel/rows.hpp>
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

/// Depthwise weight products: sums[cell C + c] += d_c x_c, where x is the pixel under the cell, or 0 outside the image.
/// Rows first, first + every, ... of X are paired with rows 0, 1, ... of d, which lie `stride` values apart; if d is
/// null, d_c is 1.
template <class T>
struct depthwise_products {
  indexed_map map;
  const T* x;
  const T* d;  ///< may be null
  std::size_t stride;
  std::size_t first;
  std::size_t every;
  divider by_channels;  ///< splits a column into cell and channel

  constexpr depthwise_products(const linear_map& given, const T* inputs, const T* errors, std::size_t error_stride,
                               std::size_t first_row, std::size_t row_step)
      : map(given),
        x(inputs),
        d(errors),
        stride(error_stride),
        first(first_row),
        every(row_step),
        by_channels(given.in.channels) {}

  [[nodiscard]] constexpr std::array<T, 1> terms(std::size_t row, std::size_t column) const {
    const auto place = map.by_out_positions(narrow(first + row * every));
    const auto window = map.by_out_width(place.remainder);
    const auto input = by_channels(narrow(column));
    const auto cell = map.by_field_width(input.whole);
    const localis::window& field = map.field;
    // Above the image and left of it, these numbers wrap around and are too large.
    const std::uint32_t top = window.whole * narrow(field.stride.height) + cell.whole * narrow(field.dilation.height) -
                              narrow(field.padding.height);
    const std::uint32_t left = window.remainder * narrow(field.stride.width) +
                               cell.remainder * narrow(field.dilation.width) - narrow(field.padding.width);
    if (top >= narrow(map.in.height) || left >= narrow(map.in.width)) return {T(0)};
    const std::uint32_t pixel = (top * narrow(map.in.width) + left) * narrow(map.in.channels);
    const T value = x[std::uint64_t{place.whole} * map.sample + pixel + input.remainder];
    return {d == nullptr ? value : d[row * stride + input.remainder] * value};
  }
  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end, T* sums) const {
    for (std::size_t column = begin; column < end; ++column) add_terms(terms(row, column), sums + column, 1);
  }
};

/// Depthwise input gradient: dx_c = sum of w_c d_c over the windows that see the pixel, or dx_c += this sum, as `mode`
/// says. Each row is one input position of one sample.
template <class T>
struct depthwise_input_gradient {
  indexed_map map;
  const T* d;
  const T* w;
  T* dx;
  store mode;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    const std::size_t cells = map.field.positions();
    const std::size_t channels = map.outputs();
    const auto place = map.by_in_positions(narrow(row));
    const T* errors = d + place.whole * map.out.size();
    for (std::size_t c = begin; c < end; ++c) {
      T sum = mode == store::add ? dx[row * channels + c] : T(0);
      detail::for_each_window(map, place.remainder, [&](std::size_t cell, std::size_t position) {
        sum += w[c * cells + cell] * errors[position * channels + c];
      });
      dx[row * channels + c] = sum;
    }
  }
};

}  // namespace localis::kernel
