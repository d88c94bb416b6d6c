#pragma once

#include <cstddef>
#include <cstdint>

#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/kernel/divide.hpp>
#include <localis/kernel/indexed_map.hpp>
#include <localis/kernel/pack.hpp>
#include <localis/kernel/rows.hpp>
#include <localis/math/select.hpp>

namespace localis::kernel {

/// The part of a pooling window that lies inside the image.
struct pool_area {
  std::uint32_t top, bottom, left, right;

  /// The part of the window of output pixel (y, x).
  constexpr pool_area(const indexed_map& map, std::uint32_t y, std::uint32_t x)
      : top(clamp(y * narrow(map.field.stride.height), map.field.padding.height, map.in.height)),
        bottom(clamp(y * narrow(map.field.stride.height) + narrow(map.field.height), map.field.padding.height,
                     map.in.height)),
        left(clamp(x * narrow(map.field.stride.width), map.field.padding.width, map.in.width)),
        right(clamp(x * narrow(map.field.stride.width) + narrow(map.field.width), map.field.padding.width,
                    map.in.width)) {}

 private:
  /// Converts a coordinate of the padded image to one of the image, or to its nearest border.
  static constexpr std::uint32_t clamp(std::uint32_t padded, std::size_t padding, std::size_t extent) {
    const std::uint32_t pad = narrow(padding);
    if (padded < pad) return 0;
    return padded - pad < extent ? padded - pad : narrow(extent);
  }
};

/// Maximum pooling: y = max over the window; padding never wins. Each row is one output position of one sample.
template <class T>
struct max_pool {
  using scalar = T;
  indexed_map map;
  const T* x;
  T* y;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    T* out = y + row * map.in.channels;
    bool first = true;
    for_each_pixel(narrow(row), [&](std::uint32_t pixel) {
      const T* in = x + std::size_t{pixel} * map.in.channels;
      if (first) {
        LOCALIS_VECTORIZE
        for (std::size_t i = begin; i < end; ++i) out[i] = in[i];
      } else {
        LOCALIS_VECTORIZE
        for (std::size_t i = begin; i < end; ++i) out[i] = wins(in[i], out[i]) ? in[i] : out[i];
      }
      first = false;
    });
  }

  [[nodiscard]] constexpr bool packs(std::size_t size) const { return map.in.channels % size == 0; }
  template <std::size_t N>
  constexpr void packed(std::uint32_t row, std::uint32_t begin) const {
    pack<T, N> largest{};
    bool first = true;
    for_each_pixel(row, [&](std::uint32_t pixel) {
      const pack<T, N> seen = load_pack<N>(x + std::uint64_t{pixel} * map.in.channels + begin);
      for (std::size_t i = 0; i < N; ++i) largest[i] = first || wins(seen[i], largest[i]) ? seen[i] : largest[i];
      first = false;
    });
    store_pack(largest, y + std::uint64_t{row} * map.in.channels + begin);
  }

  /// Calls f(pixel) for each pixel of the window of output position `row`, counted over all samples.
  template <class F>
  constexpr void for_each_pixel(std::uint32_t row, const F& f) const {
    const auto place = map.by_out_positions(row);
    const auto corner = map.by_out_width(place.remainder);
    const pool_area area(map, corner.whole, corner.remainder);
    const std::uint32_t width = narrow(map.in.width);
    const std::uint32_t sample = place.whole * narrow(map.in.height) * width;
    for (std::uint32_t r = area.top; r < area.bottom; ++r) {
      for (std::uint32_t c = area.left; c < area.right; ++c) f(sample + r * width + c);
    }
  }

 private:
  /// NaN wins as well, and stays.
  static constexpr bool wins(T challenger, T holder) { return (challenger > holder) | (challenger != challenger); }
};

/// Whether the windows tile the image, so that each input element lies in exactly one.
constexpr bool windows_tile(const linear_map& map) {
  const lengths stride = map.field.stride;
  return stride == lengths(map.field.height, map.field.width) && map.field.padding == 0 &&
         map.out.height * stride.height == map.in.height && map.out.width * stride.width == map.in.width;
}

namespace detail {

/// Distributes the gradient of one window: its first maximum, found again from x and y, receives dy, and its other
/// elements receive 0. Values overwrite dx or are added to it, as `Mode` says.
template <store Mode, class T>
constexpr void hand_out(const indexed_map& map, std::size_t position, std::size_t begin, std::size_t end, const T* x,
                        const T* y, const T* dy, T* dx) {
  constexpr std::size_t chunk = 64;
  const std::size_t channels = map.in.channels;
  const auto corner = map.by_out_width(narrow(position));
  const pool_area area(map, corner.whole, corner.remainder);
  for (std::size_t first = begin; first < end; first += chunk) {
    const std::size_t size = end - first < chunk ? end - first : chunk;
    const T* largest = y + position * channels + first;
    T left[chunk];  // the gradient that no maximum has taken yet
    LOCALIS_VECTORIZE
    for (std::size_t i = 0; i < size; ++i) left[i] = dy[position * channels + first + i];
    for (std::size_t r = area.top; r < area.bottom; ++r) {
      for (std::size_t c = area.left; c < area.right; ++c) {
        const std::size_t at = (r * map.in.width + c) * channels + first;
        LOCALIS_VECTORIZE
        for (std::size_t i = 0; i < size; ++i) {
          const bool hit = x[at + i] == largest[i];
          const T part = math::select(hit, left[i], T(0));
          dx[at + i] = Mode == store::add ? dx[at + i] + part : part;
          left[i] = math::select(hit, T(0), left[i]);
        }
      }
    }
  }
}

/// The windows first ... last - 1 along one axis that see a pixel.
struct window_range {
  std::uint32_t first;
  std::uint32_t last;

  /// @param padded  the pixel, counted from the first pixel of padding
  /// @param size    pixels of a window
  constexpr window_range(std::uint32_t padded, std::size_t size, std::size_t stride, const divider& by_stride,
                         std::size_t windows)
      : first(0), last(by_stride(padded).whole + 1) {
    if (padded >= size) first = by_stride(padded - narrow(size) + narrow(stride)).whole;
    if (last > windows) last = narrow(windows);
  }

  /// The rows of windows that see a row of pixels.
  static constexpr window_range rows(const indexed_map& map, std::uint32_t row) {
    const window& field = map.field;
    return {row + narrow(field.padding.height), field.height, field.stride.height, map.by_stride_height,
            map.out.height};
  }
  /// The columns of windows that see a column of pixels.
  static constexpr window_range columns(const indexed_map& map, std::uint32_t column) {
    const window& field = map.field;
    return {column + narrow(field.padding.width), field.width, field.stride.width, map.by_stride_width, map.out.width};
  }
};

}  // namespace detail

/// Gradient of maximum pooling: dx gets dy at the first maximum of each window. No indices are stored. Each row is one
/// whole sample, because windows may overlap; or, by `position`, one input position, which asks each of its windows
/// where the first maximum lies.
template <class T>
struct max_pool_gradient {
  indexed_map map;
  const T* x;
  const T* y;
  const T* dy;
  T* dx;

  constexpr void operator()(std::size_t sample, std::size_t begin, std::size_t end) const {
    T* gradient = dx + sample * map.in.size();
    for (std::size_t p = 0; p < map.in.positions(); ++p) {
      LOCALIS_VECTORIZE
      for (std::size_t i = begin; i < end; ++i) gradient[p * map.in.channels + i] = T(0);
    }
    for (std::size_t p = 0; p < map.out.positions(); ++p) {
      detail::hand_out<store::add>(map, p, begin, end, x + sample * map.in.size(), y + sample * map.out.size(),
                                   dy + sample * map.out.size(), gradient);
    }
  }

  constexpr void position(std::uint32_t row, std::uint32_t i) const {
    const auto place = map.by_in_positions(row);
    const auto pixel = map.by_in_width(place.remainder);
    const T* own = x + std::uint64_t{row} * map.in.channels + i;
    const T* windows = y + std::uint64_t{place.whole} * map.out.size() + i;
    const auto rows = detail::window_range::rows(map, pixel.whole);
    const auto columns = detail::window_range::columns(map, pixel.remainder);
    T sum = 0;
    for (std::uint32_t r = rows.first; r < rows.last; ++r) {
      for (std::uint32_t c = columns.first; c < columns.last; ++c) {
        const T* window = windows + (r * narrow(map.out.width) + c) * map.in.channels;
        if (*own == *window && is_first(pool_area(map, r, c), place.remainder, own)) sum += dy[window - y];
      }
    }
    dx[own - x] = sum;
  }

 private:
  /// Whether no pixel of the window before this one has the value.
  constexpr bool is_first(const pool_area& area, std::uint32_t pixel, const T* own) const {
    for (std::uint32_t r = area.top; r < area.bottom; ++r) {
      for (std::uint32_t c = area.left; c < area.right; ++c) {
        const std::uint32_t other = r * narrow(map.in.width) + c;
        if (other >= pixel) return true;
        if (*(own - (pixel - other) * map.in.channels) == *own) return false;
      }
    }
    return true;
  }
};

/// Gradient of maximum pooling if the windows tile the image: each row is one window of one sample.
template <class T>
struct max_pool_tile_gradient {
  indexed_map map;
  const T* x;
  const T* y;
  const T* dy;
  T* dx;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    const auto place = map.by_out_positions(narrow(row));
    const std::size_t in = place.whole * map.in.size();
    const std::size_t out = place.whole * map.out.size();
    detail::hand_out<store::replace>(map, place.remainder, begin, end, x + in, y + out, dy + out, dx + in);
  }
};

/// Average pooling: y = sum over the window / window size (padding counts as zeros). Each row is one output position of
/// one sample.
template <class T>
struct average_pool {
  indexed_map map;
  const T* x;
  T* y;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    const std::size_t channels = map.in.channels;
    const auto place = map.by_out_positions(narrow(row));
    const auto corner = map.by_out_width(place.remainder);
    const pool_area area(map, corner.whole, corner.remainder);
    const T* sample = x + place.whole * map.in.size();
    T* out = y + row * channels;
    for (std::size_t i = begin; i < end; ++i) out[i] = T(0);
    for (std::size_t r = area.top; r < area.bottom; ++r) {
      for (std::size_t c = area.left; c < area.right; ++c) {
        const T* in = sample + (r * map.in.width + c) * channels;
        LOCALIS_VECTORIZE
        for (std::size_t i = begin; i < end; ++i) out[i] += in[i];
      }
    }
    const T inv_count = T(1) / static_cast<T>(map.field.positions());
    LOCALIS_VECTORIZE
    for (std::size_t i = begin; i < end; ++i) out[i] *= inv_count;
  }
};

/// Gradient of average pooling, the adjoint of average_pool. Each row is one whole sample; or, by `position`, one input
/// position, which adds up its windows. Both divide the finished sum, so that they give the same bytes whether or not
/// compilers fuse multiplications with additions.
template <class T>
struct average_pool_gradient {
  indexed_map map;
  const T* dy;
  T* dx;

  constexpr void operator()(std::size_t sample, std::size_t begin, std::size_t end) const {
    const std::size_t channels = map.in.channels;
    T* gradient = dx + sample * map.in.size();
    for (std::size_t p = 0; p < map.in.positions(); ++p) {
      LOCALIS_VECTORIZE
      for (std::size_t i = begin; i < end; ++i) gradient[p * channels + i] = T(0);
    }
    for (std::uint32_t p = 0; p < map.rows; ++p) {
      const auto corner = map.by_out_width(p);
      const pool_area area(map, corner.whole, corner.remainder);
      const T* out = dy + (sample * map.rows + p) * channels;
      for (std::size_t r = area.top; r < area.bottom; ++r) {
        for (std::size_t c = area.left; c < area.right; ++c) {
          T* in = gradient + (r * map.in.width + c) * channels;
          LOCALIS_VECTORIZE
          for (std::size_t i = begin; i < end; ++i) in[i] += out[i];
        }
      }
    }
    const T inv_count = T(1) / static_cast<T>(map.field.positions());
    for (std::size_t p = 0; p < map.in.positions(); ++p) {
      LOCALIS_VECTORIZE
      for (std::size_t i = begin; i < end; ++i) gradient[p * channels + i] *= inv_count;
    }
  }

  constexpr void position(std::uint32_t row, std::uint32_t i) const {
    const auto place = map.by_in_positions(row);
    const auto pixel = map.by_in_width(place.remainder);
    const T* windows = dy + std::uint64_t{place.whole} * map.out.size();
    const auto rows = detail::window_range::rows(map, pixel.whole);
    const auto columns = detail::window_range::columns(map, pixel.remainder);
    T sum = 0;
    for (std::uint32_t r = rows.first; r < rows.last; ++r) {
      for (std::uint32_t c = columns.first; c < columns.last; ++c) {
        sum += windows[(r * narrow(map.out.width) + c) * map.in.channels + i];
      }
    }
    dx[row * map.in.channels + i] = sum * (T(1) / static_cast<T>(map.field.positions()));
  }
};

}  // namespace localis::kernel
