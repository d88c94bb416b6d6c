#pragma once

#include <cstddef>

#include <localis/config.hpp>
#include <localis/core/shape.hpp>

namespace localis::kernel {

/// The part of a pooling window that lies inside the image.
struct pool_area {
  std::size_t top, bottom, left, right;

  static constexpr pool_area of(const linear_map& map, std::size_t position) {
    const std::size_t pad = map.field.padding;
    const std::size_t y = position / map.out.width * map.field.stride;
    const std::size_t x = position % map.out.width * map.field.stride;
    const auto clamp = [pad](std::size_t at, std::size_t extent) {
      return at < pad ? 0 : (at - pad < extent ? at - pad : extent);
    };
    return {clamp(y, map.in.height), clamp(y + map.field.height, map.in.height), clamp(x, map.in.width),
            clamp(x + map.field.width, map.in.width)};
  }
};

/// y = max over the window; padding never wins. One row is one output position of one sample.
template <class T>
struct max_pool {
  linear_map map;
  const T* x;
  T* y;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    const std::size_t channels = map.in.channels;
    const std::size_t positions = map.out.positions();
    const pool_area area = pool_area::of(map, row % positions);
    const T* sample = x + row / positions * map.in.size();
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
            const bool wins = (in[i] > out[i]) | (in[i] != in[i]);  // NaN too, and it stays
            out[i] = wins ? in[i] : out[i];
          }
        }
        first = false;
      }
    }
  }
};

/// dx gets dy at the first maximum of each window, read again from x and y: no indices are kept.
/// One row is one whole sample, since windows may overlap.
template <class T>
struct max_pool_gradient {
  linear_map map;
  const T* x;
  const T* y;
  const T* dy;
  T* dx;

  constexpr void operator()(std::size_t sample, std::size_t begin, std::size_t end) const {
    const std::size_t channels = map.in.channels;
    const T* in = x + sample * map.in.size();
    T* gradient = dx + sample * map.in.size();
    // Where windows tile the image each element of dx is written exactly once, otherwise they add up.
    const bool tiled = map.field.stride == map.field.height && map.field.stride == map.field.width &&
                       map.field.padding == 0 && map.in.height % map.field.stride == 0 &&
                       map.in.width % map.field.stride == 0;
    if (!tiled) {
      for (std::size_t p = 0; p < map.in.positions(); ++p) {
        LOCALIS_VECTORIZE
        for (std::size_t i = begin; i < end; ++i) gradient[p * channels + i] = T(0);
      }
    }
    constexpr std::size_t block = 64;
    for (std::size_t p = 0; p < map.out.positions(); ++p) {
      const pool_area area = pool_area::of(map, p);
      const std::size_t out = (sample * map.out.positions() + p) * channels;
      for (std::size_t first = begin; first < end; first += block) {
        const std::size_t size = end - first < block ? end - first : block;
        T left[block];  // what is still to be handed out
        LOCALIS_VECTORIZE
        for (std::size_t i = 0; i < size; ++i) left[i] = dy[out + first + i];
        for (std::size_t r = area.top; r < area.bottom; ++r) {
          for (std::size_t c = area.left; c < area.right; ++c) {
            const std::size_t at = (r * map.in.width + c) * channels + first;
            if (tiled) {
              LOCALIS_VECTORIZE
              for (std::size_t i = 0; i < size; ++i) {
                const bool hit = in[at + i] == y[out + first + i];
                gradient[at + i] = hit ? left[i] : T(0);
                left[i] = hit ? T(0) : left[i];
              }
            } else {
              LOCALIS_VECTORIZE
              for (std::size_t i = 0; i < size; ++i) {
                const bool hit = in[at + i] == y[out + first + i];
                gradient[at + i] += hit ? left[i] : T(0);
                left[i] = hit ? T(0) : left[i];
              }
            }
          }
        }
      }
    }
  }
};

/// y = sum over the window / window size (padding counts as zeros). One row is one output position of one sample.
template <class T>
struct average_pool {
  linear_map map;
  const T* x;
  T* y;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    const std::size_t channels = map.in.channels;
    const std::size_t positions = map.out.positions();
    const pool_area area = pool_area::of(map, row % positions);
    const T* sample = x + row / positions * map.in.size();
    T* out = y + row * channels;
    for (std::size_t i = begin; i < end; ++i) out[i] = T(0);
    for (std::size_t r = area.top; r < area.bottom; ++r) {
      for (std::size_t c = area.left; c < area.right; ++c) {
        const T* in = sample + (r * map.in.width + c) * channels;
        LOCALIS_VECTORIZE
        for (std::size_t i = begin; i < end; ++i) out[i] += in[i];
      }
    }
    const T share = T(1) / static_cast<T>(map.field.positions());
    LOCALIS_VECTORIZE
    for (std::size_t i = begin; i < end; ++i) out[i] *= share;
  }
};

/// The adjoint of average_pool. One row is one whole sample.
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
    const T share = T(1) / static_cast<T>(map.field.positions());
    for (std::size_t p = 0; p < map.out.positions(); ++p) {
      const pool_area area = pool_area::of(map, p);
      const T* out = dy + (sample * map.out.positions() + p) * channels;
      for (std::size_t r = area.top; r < area.bottom; ++r) {
        for (std::size_t c = area.left; c < area.right; ++c) {
          T* in = gradient + (r * map.in.width + c) * channels;
          LOCALIS_VECTORIZE
          for (std::size_t i = begin; i < end; ++i) in[i] += share * out[i];
        }
      }
    }
  }
};

}  // namespace localis::kernel
