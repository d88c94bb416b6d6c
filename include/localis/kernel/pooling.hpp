#pragma once

#include <cstddef>

#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/kernel/divide.hpp>
#include <localis/kernel/rows.hpp>

namespace localis::kernel {

/// The part of a pooling window that lies inside the image.
struct pool_area {
  std::size_t top, bottom, left, right;

  static constexpr pool_area of(const linear_map& map, std::size_t position) {
    const std::size_t pad = map.field.padding;
    const quotient corner = divide(position, map.out.width);
    const std::size_t y = corner.whole * map.field.stride;
    const std::size_t x = corner.remainder * map.field.stride;
    const auto clamp = [pad](std::size_t at, std::size_t extent) {
      return at < pad ? 0 : (at - pad < extent ? at - pad : extent);
    };
    return {clamp(y, map.in.height), clamp(y + map.field.height, map.in.height), clamp(x, map.in.width),
            clamp(x + map.field.width, map.in.width)};
  }
};

/// Maximum pooling: y = max over the window; padding never wins. Each row is one output position of one sample.
template <class T>
struct max_pool {
  linear_map map;
  const T* x;
  T* y;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    const std::size_t channels = map.in.channels;
    const quotient place = divide(row, map.out.positions());
    const pool_area area = pool_area::of(map, place.remainder);
    const T* sample = x + place.whole * map.in.size();
    T* out = y + row * channels;
    bool first = true;
    for (std::size_t r = area.top; r < area.bottom; ++r) {
      for (std::size_t c = area.left; c < area.right; ++c) {
        const T* in = sample + (r * map.in.width + c) * channels;
        if (first) {
          LOCALIS_VECTORIZE
          for (std::size_t i = begin; i < end; ++i) out[i] = in[i];
        } else {
          LOCALIS_VECTORIZE
          for (std::size_t i = begin; i < end; ++i) {
            const bool wins = (in[i] > out[i]) | (in[i] != in[i]);  // NaN wins as well, and stays
            out[i] = wins ? in[i] : out[i];
          }
        }
        first = false;
      }
    }
  }
};

/// Whether the windows tile the image, so that each input element lies in exactly one.
constexpr bool windows_tile(const linear_map& map) {
  return map.field.stride == map.field.height && map.field.stride == map.field.width && map.field.padding == 0 &&
         map.out.height * map.field.stride == map.in.height && map.out.width * map.field.stride == map.in.width;
}

namespace detail {

/// Distributes the gradient of one window: its first maximum, found again from x and y, receives dy, and its other
/// elements receive 0. Values overwrite dx or are added to it, as `Mode` says.
template <store Mode, class T>
constexpr void hand_out(const linear_map& map, std::size_t position, std::size_t begin, std::size_t end, const T* x,
                        const T* y, const T* dy, T* dx) {
  constexpr std::size_t chunk = 64;
  const std::size_t channels = map.in.channels;
  const pool_area area = pool_area::of(map, position);
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
          const T part = hit ? left[i] : T(0);
          dx[at + i] = Mode == store::add ? dx[at + i] + part : part;
          left[i] = hit ? T(0) : left[i];
        }
      }
    }
  }
}

}  // namespace detail

/// Gradient of maximum pooling: dx gets dy at the first maximum of each window. No indices are stored. Each row is one
/// whole sample, because windows may overlap.
template <class T>
struct max_pool_gradient {
  linear_map map;
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
};

/// Gradient of maximum pooling if the windows tile the image: each row is one window of one sample.
template <class T>
struct max_pool_tile_gradient {
  linear_map map;
  const T* x;
  const T* y;
  const T* dy;
  T* dx;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    const quotient place = divide(row, map.out.positions());
    const std::size_t in = place.whole * map.in.size();
    const std::size_t out = place.whole * map.out.size();
    detail::hand_out<store::replace>(map, place.remainder, begin, end, x + in, y + out, dy + out, dx + in);
  }
};

/// Average pooling: y = sum over the window / window size (padding counts as zeros). Each row is one output position of
/// one sample.
template <class T>
struct average_pool {
  linear_map map;
  const T* x;
  T* y;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    const std::size_t channels = map.in.channels;
    const quotient place = divide(row, map.out.positions());
    const pool_area area = pool_area::of(map, place.remainder);
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

/// Gradient of average pooling, the adjoint of average_pool. Each row is one whole sample.
template <class T>
struct average_pool_gradient {
  linear_map map;
  const T* dy;
  T* dx;

  constexpr void operator()(std::size_t sample, std::size_t begin, std::size_t end) const {
    const std::size_t channels = map.in.channels;
    T* gradient = dx + sample * map.in.size();
    for (std::size_t p = 0; p < map.in.positions(); ++p) {
      LOCALIS_VECTORIZE
      for (std::size_t i = begin; i < end; ++i) gradient[p * channels + i] = T(0);
    }
    const T inv_count = T(1) / static_cast<T>(map.field.positions());
    for (std::size_t p = 0; p < map.out.positions(); ++p) {
      const pool_area area = pool_area::of(map, p);
      const T* out = dy + (sample * map.out.positions() + p) * channels;
      for (std::size_t r = area.top; r < area.bottom; ++r) {
        for (std::size_t c = area.left; c < area.right; ++c) {
          T* in = gradient + (r * map.in.width + c) * channels;
          LOCALIS_VECTORIZE
          for (std::size_t i = begin; i < end; ++i) in[i] += inv_count * out[i];
        }
      }
    }
  }
};

}  // namespace localis::kernel
