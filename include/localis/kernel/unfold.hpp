#pragma once

#include <cstddef>
#include <cstdint>

#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/kernel/divide.hpp>
#include <localis/kernel/indexed_map.hpp>
#include <localis/kernel/pack.hpp>
#include <localis/kernel/rows.hpp>

/// The arithmetic of all operations, written once for every backend. Each kernel is a trivially copyable function
/// object over one row, or over one row and a range of its channels. Kernels know neither tiles nor threads; backends
/// run them.
namespace localis::kernel {

namespace detail {

/// Implements for_each_stretch cell by cell, for dilated windows and for channels that are split into groups.
template <class Piece, class Gap>
constexpr void for_each_cell(const linear_map& map, std::size_t top, std::size_t left, Piece piece, Gap gap) {
  const lengths pad = map.field.padding;
  const std::size_t channels = divide(map.in.channels, map.groups).whole;
  for (std::size_t cell = 0; cell < map.field.positions(); ++cell) {
    const quotient at = divide(cell, map.field.width);
    const std::size_t y = top + at.whole * map.field.dilation.height;
    const std::size_t x = left + at.remainder * map.field.dilation.width;
    const bool inside =
        y >= pad.height && y < map.in.height + pad.height && x >= pad.width && x < map.in.width + pad.width;
    for (std::size_t g = 0; g < map.groups; ++g) {
      const std::size_t to = (g * map.field.positions() + cell) * channels;
      if (inside) {
        piece(to, ((y - pad.height) * map.in.width + x - pad.width) * map.in.channels + g * channels, channels);
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
  const std::size_t top = corner.whole * map.field.stride.height;  // both in padded coordinates
  const std::size_t left = corner.remainder * map.field.stride.width;
  const lengths pad = map.field.padding;
  if (map.groups > 1 || map.field.dilation != 1) {
    for_each_cell(map, top, left, piece, gap);
    return;
  }
  const std::size_t stretch = map.field.width * channels;
  const std::size_t skipped = left < pad.width ? pad.width - left : 0;  // columns of the window left of the image
  const std::size_t end = map.in.width + pad.width > left ? map.in.width + pad.width - left : 0;
  const std::size_t saved = end < map.field.width ? end : map.field.width;
  for (std::size_t r = 0; r < map.field.height; ++r) {
    const std::size_t at = r * stretch;
    const std::size_t y = top + r;
    if (y < pad.height || y >= map.in.height + pad.height || skipped >= saved) {
      gap(at, stretch);
      continue;
    }
    if (skipped > 0) gap(at, skipped * channels);
    piece(at + skipped * channels, ((y - pad.height) * map.in.width + left + skipped - pad.width) * channels,
          (saved - skipped) * channels);
    if (saved < map.field.width) gap(at + saved * channels, (map.field.width - saved) * channels);
  }
}

/// Calls f(cell, offset of the pixel in its sample) for each cell of the window of an output position that lies inside
/// the image.
template <class F>
constexpr void for_each_pixel(const indexed_map& map, std::size_t position, const F& f) {
  const auto corner = map.by_out_width(narrow(position));
  const std::uint32_t top = narrow(map.field.padding.height);
  const std::uint32_t left = narrow(map.field.padding.width);
  const std::uint32_t bottom = narrow(map.in.height) + top;
  const std::uint32_t right = narrow(map.in.width) + left;
  std::uint32_t y = narrow(corner.whole * map.field.stride.height);
  for (std::uint32_t r = 0; r < map.field.height; ++r, y += narrow(map.field.dilation.height)) {
    if (y < top || y >= bottom) continue;
    std::uint32_t x = narrow(corner.remainder * map.field.stride.width);
    for (std::uint32_t c = 0; c < map.field.width; ++c, x += narrow(map.field.dilation.width)) {
      if (x < left || x >= right) continue;
      f(r * map.field.width + c, ((y - top) * map.in.width + x - left) * map.in.channels);
    }
  }
}

/// Calls f(cell, output position) for each window that sees an input position through that cell.
template <class F>
constexpr void for_each_window(const indexed_map& map, std::size_t position, const F& f) {
  const auto pixel = map.by_in_width(narrow(position));
  const std::uint32_t bottom = pixel.whole + narrow(map.field.padding.height);
  const std::uint32_t right = pixel.remainder + narrow(map.field.padding.width);
  const std::uint32_t row_step = narrow(map.field.dilation.height);
  const std::uint32_t column_step = narrow(map.field.dilation.width);
  const std::uint32_t out_width = narrow(map.out.width);
  for (std::uint32_t r = 0, down = 0; r < narrow(map.field.height) && down <= bottom; ++r, down += row_step) {
    const auto y = map.by_stride_height(bottom - down);
    if (y.remainder != 0 || y.whole >= narrow(map.out.height)) continue;
    for (std::uint32_t c = 0, across = 0; c < narrow(map.field.width) && across <= right; ++c, across += column_step) {
      const auto x = map.by_stride_width(right - across);
      if (x.remainder == 0 && x.whole < out_width) {
        f(r * narrow(map.field.width) + c, y.whole * out_width + x.whole);
      }
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

/// Adds a multiple of row (sample, position) of X, which need not be unfolded: sum += factor x.   sum: as a row of
/// unfold_row
template <class T>
constexpr void add_row(const linear_map& map, const T* sample, std::size_t position, T factor, T* sum) {
  detail::for_each_stretch(
      map, position,
      [&](std::size_t to, std::size_t from, std::size_t size) {
        LOCALIS_VECTORIZE
        for (std::size_t i = 0; i < size; ++i) sum[to + i] += factor * sample[from + i];
      },
      [](std::size_t, std::size_t) {});
}

/// Whether all values of row (sample, position) of X are 0.
template <class T>
constexpr bool is_zero_row(const linear_map& map, const T* sample, std::size_t position) {
  bool result = true;
  detail::for_each_stretch(
      map, position,
      [&](std::size_t, std::size_t from, std::size_t size) {
        for (std::size_t i = 0; result && i < size; ++i) result = sample[from + i] == T(0);
      },
      [](std::size_t, std::size_t) {});
  return result;
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
  using scalar = T;
  indexed_map map;
  const T* x;
  To* rows;
  std::size_t first;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    if (begin == 0 && end == map.seen()) {
      const auto place = map.by_out_positions(narrow(first + row));
      unfold_row(map, x + place.whole * map.in.size(), place.remainder, rows + row * map.seen());
      return;
    }
    for (std::size_t i = begin; i < end; ++i) packed<1>(narrow(row), narrow(i));
  }

  /// Whether any `size` columns from a multiple of `size` on are contiguous channels of one cell.
  [[nodiscard]] constexpr bool packs(std::size_t size) const { return map.groups == 1 && map.in.channels % size == 0; }
  template <std::size_t N>
  constexpr void packed(std::uint32_t row, std::uint32_t begin) const {
    if constexpr (N == 1) {
      const auto group = map.by_inputs(begin);
      copy<1>(row, begin, group.whole * map.group_width, group.remainder);
    } else {
      copy<N>(row, begin, 0, begin);
    }
  }

 private:
  /// Unfolds N columns from `begin` on, which are inputs `input` ... of a group whose channels begin at
  /// `first_channel`.
  template <std::size_t N>
  constexpr void copy(std::uint32_t row, std::uint32_t begin, std::uint32_t first_channel, std::uint32_t input) const {
    const auto place = map.by_out_positions(narrow(first) + row);
    const auto corner = map.by_out_width(place.remainder);
    const auto cell = map.by_group_channels(input);
    const auto offset = map.by_field_width(cell.whole);
    const window& field = map.field;
    // Above the image and left of it, these numbers wrap around and are too large.
    const std::uint32_t top = corner.whole * narrow(field.stride.height) +
                              offset.whole * narrow(field.dilation.height) - narrow(field.padding.height);
    const std::uint32_t left = corner.remainder * narrow(field.stride.width) +
                               offset.remainder * narrow(field.dilation.width) - narrow(field.padding.width);
    pack<To, N> stored{};
    if (top < narrow(map.in.height) && left < narrow(map.in.width)) {
      const std::uint32_t pixel = top * narrow(map.in.width) + left;
      const std::uint32_t source = pixel * narrow(map.in.channels) + first_channel + cell.remainder;
      const pack<T, N> seen = load_pack<N>(x + std::uint64_t{place.whole} * map.sample + source);
      for (std::size_t i = 0; i < N; ++i) stored[i] = static_cast<To>(seen[i]);
    }
    store_pack(stored, rows + std::uint64_t{row} * map.row + begin);
  }
};

/// The adjoint of unfolding, over whole samples: the sum of an input element's places in the rows of dX is stored in dx
/// or added to it, as `mode` says, so that no two threads add to one element. Each row is one input position.
template <class T>
struct fold_rows {
  using scalar = T;
  indexed_map map;
  const T* rows;
  T* dx;
  store mode;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    for (std::size_t c = begin; c < end; ++c) packed<1>(narrow(row), narrow(c));
  }

  [[nodiscard]] constexpr bool packs(std::size_t size) const { return map.group_width % size == 0; }
  template <std::size_t N>
  constexpr void packed(std::uint32_t row, std::uint32_t begin) const {
    const auto place = map.by_in_positions(row);
    const auto group = map.by_group_channels(begin);
    const std::uint32_t channels = map.group_width;
    const T* source =
        rows + std::uint64_t{place.whole} * map.rows * map.row + group.whole * map.group_inputs + group.remainder;
    T* target = dx + row * map.in.channels + begin;
    pack<T, N> sum = mode == store::add ? load_pack<N>(static_cast<const T*>(target)) : pack<T, N>{};
    detail::for_each_window(map, place.remainder, [&](std::uint32_t cell, std::uint32_t position) {
      const std::uint32_t column = cell * channels;
      const pack<T, N> part = load_pack<N>(source + (std::uint64_t{position} * map.row + column));
      for (std::size_t i = 0; i < N; ++i) sum[i] += part[i];
    });
    store_pack(sum, target);
  }
};

}  // namespace localis::kernel
