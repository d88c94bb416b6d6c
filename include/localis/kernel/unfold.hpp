#pragma once

#include <cstddef>
#include <cstdint>

#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/kernel/divide.hpp>

/// The arithmetic of all operations, written once for every backend. Each kernel is a trivially copyable function
/// object over one row, or over one row and a range of its channels. Kernels know neither tiles nor threads; backends
/// run them.
namespace localis::kernel {

namespace detail {

/// Implements for_each_stretch cell by cell, for dilated windows and for channels that are split into groups.
template <class Piece, class Gap>
constexpr void for_each_cell(const linear_map& map, std::size_t top, std::size_t left, Piece piece, Gap gap) {
  const std::size_t pad = map.field.padding;
  const std::size_t channels = divide(map.in.channels, map.groups).whole;
  for (std::size_t cell = 0; cell < map.field.positions(); ++cell) {
    const quotient at = divide(cell, map.field.width);
    const std::size_t y = top + at.whole * map.field.dilation;
    const std::size_t x = left + at.remainder * map.field.dilation;
    const bool inside = y >= pad && y < map.in.height + pad && x >= pad && x < map.in.width + pad;
    for (std::size_t g = 0; g < map.groups; ++g) {
      const std::size_t to = (g * map.field.positions() + cell) * channels;
      if (inside) {
        piece(to, ((y - pad) * map.in.width + x - pad) * map.in.channels + g * channels, channels);
      } else {
        gap(to, channels);
      }
    }
  }
}

/// For output position `position` of one sample, calls
///   piece(offset in the unfolded row, offset in the sample, elements)   for each stretch inside the image and
///   gap(offset in the unfolded row, elements)                           for each stretch of padding.
template <class Piece, class Gap>
constexpr void for_each_stretch(const linear_map& map, std::size_t position, Piece piece, Gap gap) {
  const std::size_t channels = map.in.channels;
  const quotient corner = divide(position, map.out.width);
  const std::size_t top = corner.whole * map.field.stride;  // both in padded coordinates
  const std::size_t left = corner.remainder * map.field.stride;
  const std::size_t pad = map.field.padding;
  if (map.groups > 1 || map.field.dilation > 1) {
    for_each_cell(map, top, left, piece, gap);
    return;
  }
  const std::size_t stretch = map.field.width * channels;
  const std::size_t skipped = left < pad ? pad - left : 0;  // columns of the window left of the image
  const std::size_t end = map.in.width + pad > left ? map.in.width + pad - left : 0;
  const std::size_t saved = end < map.field.width ? end : map.field.width;
  for (std::size_t r = 0; r < map.field.height; ++r) {
    const std::size_t at = r * stretch;
    const std::size_t y = top + r;
    if (y < pad || y >= map.in.height + pad || skipped >= saved) {
      gap(at, stretch);
      continue;
    }
    if (skipped > 0) gap(at, skipped * channels);
    piece(at + skipped * channels, ((y - pad) * map.in.width + left + skipped - pad) * channels,
          (saved - skipped) * channels);
    if (saved < map.field.width) gap(at + saved * channels, (map.field.width - saved) * channels);
  }
}

/// Calls f(cell, offset of the pixel in its sample) for each cell of the window of an output position that lies inside
/// the image.
template <class F>
constexpr void for_each_pixel(const linear_map& map, std::size_t position, const F& f) {
  // Counts in 32 bits, because a GPU has twice as many such registers.
  const auto narrow = [](std::size_t n) { return static_cast<std::uint32_t>(n); };
  const quotient corner = divide(position, map.out.width);
  const std::uint32_t pad = narrow(map.field.padding);
  const std::uint32_t bottom = narrow(map.in.height) + pad;
  const std::uint32_t right = narrow(map.in.width) + pad;
  std::uint32_t y = narrow(corner.whole * map.field.stride);
  for (std::uint32_t r = 0; r < map.field.height; ++r, y += narrow(map.field.dilation)) {
    if (y < pad || y >= bottom) continue;
    std::uint32_t x = narrow(corner.remainder * map.field.stride);
    for (std::uint32_t c = 0; c < map.field.width; ++c, x += narrow(map.field.dilation)) {
      if (x < pad || x >= right) continue;
      f(r * map.field.width + c, ((y - pad) * map.in.width + x - pad) * map.in.channels);
    }
  }
}

/// Calls f(cell, output position) for each window that sees an input position through that cell.
template <class F>
constexpr void for_each_window(const linear_map& map, std::size_t position, const F& f) {
  const quotient pixel = divide(position, map.in.width);
  const std::size_t bottom = pixel.whole + map.field.padding;
  const std::size_t right = pixel.remainder + map.field.padding;
  for (std::size_t r = 0, down = 0; r < map.field.height && down <= bottom; ++r, down += map.field.dilation) {
    const quotient y = divide(bottom - down, map.field.stride);
    if (y.remainder != 0 || y.whole >= map.out.height) continue;
    for (std::size_t c = 0, across = 0; c < map.field.width && across <= right; ++c, across += map.field.dilation) {
      const quotient x = divide(right - across, map.field.stride);
      if (x.remainder == 0 && x.whole < map.out.width) f(r * map.field.width + c, y.whole * map.out.width + x.whole);
    }
  }
}

}  // namespace detail

/// Unfolds row (sample, position) of X: the inputs that one output position sees, and zeros where the window leaves the
/// image.
///   sample  H x W x C,  row  kh kw C (with groups: group by group)
template <class T, class To>
constexpr void unfold_row(const linear_map& map, const T* sample, std::size_t position, To* row) {
  detail::for_each_stretch(
      map, position,
      [&](std::size_t to, std::size_t from, std::size_t size) {
        LOCALIS_VECTORIZE
        for (std::size_t i = 0; i < size; ++i) row[to + i] = static_cast<To>(sample[from + i]);
      },
      [&](std::size_t to, std::size_t size) {
        LOCALIS_VECTORIZE
        for (std::size_t i = 0; i < size; ++i) row[to + i] = static_cast<To>(T(0));
      });
}

/// The adjoint of unfolding: adds a row of dX to the sample that it was unfolded from.
template <class T>
constexpr void fold_row(const linear_map& map, const T* row, std::size_t position, T* sample) {
  detail::for_each_stretch(
      map, position,
      [&](std::size_t from, std::size_t to, std::size_t size) {
        LOCALIS_VECTORIZE
        for (std::size_t i = 0; i < size; ++i) sample[to + i] += row[from + i];
      },
      [](std::size_t, std::size_t) {});
}

/// Unfolds rows first, first + 1, ... of X, or a stretch of each; `To` may be a narrower type than T.
template <class T, class To = T>
struct unfold_rows {
  linear_map map;
  const T* x;
  To* rows;
  std::size_t first;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    const quotient place = divide(first + row, map.out.positions());
    const T* sample = x + place.whole * map.in.size();
    To* to = rows + row * map.seen();
    if (begin == 0 && end == map.seen()) {
      unfold_row(map, sample, place.remainder, to);
      return;
    }
    const std::size_t pad = map.field.padding;
    const std::size_t channels = divide(map.in.channels, map.groups).whole;
    const std::size_t inputs = map.field.positions() * channels;
    const quotient corner = divide(place.remainder, map.out.width);
    for (std::size_t i = begin; i < end; ++i) {
      const quotient group = divide(i, inputs);
      const quotient cell = divide(group.remainder, channels);
      const quotient at = divide(cell.whole, map.field.width);
      const std::size_t y = corner.whole * map.field.stride + at.whole * map.field.dilation;
      const std::size_t z = corner.remainder * map.field.stride + at.remainder * map.field.dilation;
      const bool inside = y >= pad && y < map.in.height + pad && z >= pad && z < map.in.width + pad;
      const std::size_t channel = group.whole * channels + cell.remainder;
      to[i] = static_cast<To>(inside ? sample[((y - pad) * map.in.width + z - pad) * map.in.channels + channel] : T(0));
    }
  }
};

/// The adjoint of unfolding, over whole samples: each input element is the sum of its places in the rows of dX, so that
/// no two threads add to one element. Each row is one input position.
template <class T>
struct fold_rows {
  linear_map map;
  const T* rows;
  T* dx;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    const std::size_t channels = divide(map.in.channels, map.groups).whole;
    const std::size_t inputs = map.field.positions() * channels;
    const quotient place = divide(row, map.in.positions());
    const T* windows = rows + place.whole * map.out.positions() * map.seen();
    T* to = dx + row * map.in.channels;
    for (std::size_t c = begin; c < end; ++c) to[c] = T(0);
    detail::for_each_window(map, place.remainder, [&](std::size_t cell, std::size_t position) {
      const T* from = windows + position * map.seen() + cell * channels;
      for (std::size_t c = begin; c < end; ++c) {
        const quotient group = divide(c, channels);
        to[c] += from[group.whole * inputs + group.remainder];
      }
    });
  }
};

}  // namespace localis::kernel
