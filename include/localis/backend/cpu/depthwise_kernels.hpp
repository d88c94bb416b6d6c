#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <type_traits>

#include <localis/backend/cpu/packet.hpp>
#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/kernel/rows.hpp>

/// Depthwise convolution of one image row, channels last. Weights and their sums are C x I elsewhere but I x C here, so
/// that inner loops run over contiguous channels, a block of which is held in registers. Windows of 3 and 5 columns
/// compute a few pixels at once, which share what they load; all others, and channels that do not fill a packet, one.
namespace localis::cpu::depthwise {
inline namespace LOCALIS_CPU_THREADS {

/// The cells of a window that lie on an array, along one axis: cell first + k step on element position + k, k < count.
struct cells {
  std::size_t first = 0;
  std::size_t step = 1;
  std::size_t position = 0;
  std::size_t count = 0;
};

/// Returns the cells of the window of output position `position` that lie inside an input of `size` elements.
inline cells cells_over_input(std::size_t position, std::size_t size, std::size_t kernel, std::size_t stride,
                              std::size_t padding) {
  const std::size_t start = position * stride;  // in padded coordinates
  const std::size_t first = start < padding ? padding - start : 0;
  const std::size_t end = start < size + padding ? (std::min)(kernel, size + padding - start) : 0;
  if (first >= end) return {};
  return {first, 1, start + first - padding, end - first};
}

/// Returns the cells through which the windows of an output of `size` elements see input position `position`. Cells are
/// counted from the last cell of a window.
inline cells cells_over_output(std::size_t position, std::size_t size, std::size_t kernel, std::size_t stride,
                               std::size_t padding) {
  const std::size_t end = position + padding;  // output position o sees it in cell end - o stride
  const std::size_t first = end < kernel ? 0 : (end - kernel) / stride + 1;
  const std::size_t last = (std::min)(size, end / stride + 1);
  if (first >= last) return {};
  return {kernel - 1 + first * stride - end, stride, first, last - first};
}

/// The `count` pixels first, first + step, ... of an image row.
struct pixels {
  std::size_t first;
  std::size_t step;
  std::size_t count;
};

/// How a row of neighbouring pixels sees a row of elements: tap k of pixel j is element e if
/// j Advance + k = e Stride + Shift, elements being counted from one that depends on the first pixel. One stride is 1:
/// that of the response is Advance, and that of an input gradient is Stride.
template <std::size_t Taps, std::size_t Advance, std::size_t Stride = 1, std::size_t Shift = 0>
struct pattern {
  static constexpr std::size_t taps = Taps;
  static constexpr std::size_t advance = Advance;
  static constexpr std::size_t stride = Stride;
  static constexpr std::size_t shift = Shift;
  /// Pixels that are computed at once: as many sums as hide the latency of multiply-adds, and few enough to stay in 16
  /// registers beside five weights and an input. Measured with AVX-512 on MobileNetV2's windows of 3 x 3: with 4
  /// pixels, weight products take 1.2 to 1.3 times as long, and the rest as long.
  static constexpr std::size_t pixels = 8;
  /// Elements that these pixels see.
  static constexpr std::size_t elements = ((pixels - 1) * Advance + Taps - 1 - Shift) / Stride + 1;

  /// Calls f(tap, pixel) with the constants of all that see this element.
  template <class F>
  [[gnu::always_inline]] static void for_taps(auto element, const F& f) {
    direct::unrolled<Taps>([&](auto tap) __attribute__((always_inline)) {
      constexpr std::size_t place = element() * Stride + Shift;
      if constexpr (place >= tap() && (place - tap()) % Advance == 0 && (place - tap()) / Advance < pixels) {
        f(tap, std::integral_constant<std::size_t, (place - tap()) / Advance>());
      }
    });
  }
};

/// The result of a correlation: a response, or an input gradient, which sums over the windows that see a pixel.
enum class correlation { response, input_gradient };

/// Calls f(pattern, position) if a pattern is compiled for this row of pixels, where pixel 0 begins to see elements at
/// `position`, which is negative in padding. Returns whether f was called.
template <class F>
bool with_pattern(const window& field, correlation result, const pixels& selected, const F& f) {
  const auto padding = static_cast<std::ptrdiff_t>(field.padding.width);
  const auto kernel = static_cast<std::ptrdiff_t>(field.width);
  const auto stride = static_cast<std::ptrdiff_t>(field.stride.width);
  if (result == correlation::response || (stride == 1 && selected.step == 1)) {
    const bool turned = result == correlation::input_gradient;
    const std::size_t advance = selected.step * field.stride.width;
    const std::ptrdiff_t position =
        static_cast<std::ptrdiff_t>(selected.first * field.stride.width) - (turned ? kernel - 1 - padding : padding);
    const auto call = [&](auto row) {
      if (field.width != row.taps || advance != row.advance) return false;
      f(row, position);
      return true;
    };
    return call(pattern<3, 1>()) || call(pattern<3, 2>()) || call(pattern<5, 1>()) || call(pattern<5, 2>());
  }
  // Padding of half a window, without which a pattern has another shift.
  if (stride != 2 || 2 * padding != kernel - 1 || selected.first != 0 || selected.step != 1) return false;
  const auto call = [&](auto row) {
    if (field.width != row.taps) return false;
    f(row, (static_cast<std::ptrdiff_t>(row.shift) - padding) / 2);
    return true;
  };
  return call(pattern<3, 1, 2, 1>()) || call(pattern<5, 1, 2, 0>());
}

/// A few pixels of a row and the elements that they see: numbers begin ... end - 1 of these lie in the row of `in`.
struct few_pixels {
  std::size_t first;
  std::size_t count;
  std::ptrdiff_t position;
  std::size_t begin;
  std::size_t end;
};

/// Calls f(some, interior) for every few pixels of a row, where the constant `interior` says whether all elements lie
/// in the row of `width` elements and all pixels exist.
template <class Pattern, class F>
void for_few_pixels(std::ptrdiff_t position, std::size_t count, std::size_t width, const F& f) {
  constexpr std::size_t elements = Pattern::elements;
  for (std::size_t first = 0; first < count; first += Pattern::pixels) {
    const auto clamped = [](std::ptrdiff_t value) {
      return static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(value, 0, elements));
    };
    const few_pixels some{first, (std::min)(Pattern::pixels, count - first), position, clamped(-position),
                          clamped(static_cast<std::ptrdiff_t>(width) - position)};
    if (some.begin == 0 && some.end == elements && some.count == Pattern::pixels) {
      f(some, std::true_type());
    } else {
      f(some, std::false_type());
    }
    position += static_cast<std::ptrdiff_t>(Pattern::pixels * Pattern::advance / Pattern::stride);
  }
}

/// The input of a row of pixels: some rows of `in`, seen through cells of as many rows of the window.
template <class T>
struct input_rows {
  cells rows;
  std::size_t kernel;    ///< columns of the window
  std::size_t width;     ///< elements of a row of `in`
  std::size_t channels;  ///< of all arrays
  const T* in;

  /// Returns the number of channels in whole packets.
  [[nodiscard]] std::size_t whole() const { return channels / direct::width<T> * direct::width<T>; }
  /// Returns the place of the weights of the first cell that sees row r.
  [[nodiscard]] std::size_t cell(std::size_t r) const { return (rows.first + r * rows.step) * kernel * channels; }
  /// Prefetches what the next few pixels see of the last row, which the rows above have not seen, from channel c on.
  template <class Pattern>
  [[gnu::always_inline]] void prefetch(std::size_t c, const few_pixels& some) const {
    constexpr std::size_t step = Pattern::pixels * Pattern::advance / Pattern::stride;
    const T* next = in + (place(rows.count - 1, c, some) + static_cast<std::ptrdiff_t>(Pattern::elements * channels));
    direct::unrolled<step>([&](auto element)
                               __attribute__((always_inline)) { __builtin_prefetch(next + element * channels); });
  }
  /// Calls f(element, packet) for the elements of row r that `some` pixels see, from channel c on.
  template <class Pattern, class F>
  [[gnu::always_inline]] void for_elements(std::size_t r, std::size_t c, const few_pixels& some, auto interior,
                                           const F& f) const {
    const std::ptrdiff_t first = place(r, c, some);
    direct::unrolled<Pattern::elements>([&](auto element) __attribute__((always_inline)) {
      if (!interior() && (element() < some.begin || element() >= some.end)) return;
      f(element, direct::load(in + (first + static_cast<std::ptrdiff_t>(element() * channels))));
    });
  }

 private:
  /// Returns the place of the first element of row r that `some` pixels see, in channel c.
  [[nodiscard]] std::ptrdiff_t place(std::size_t r, std::size_t c, const few_pixels& some) const {
    const std::ptrdiff_t element = static_cast<std::ptrdiff_t>((rows.position + r) * width) + some.position;
    return element * static_cast<std::ptrdiff_t>(channels) + static_cast<std::ptrdiff_t>(c);
  }
};

enum class memory_access { read, write };

/// Prefetches one vector of each of the few pixels after those at `values`: the processor does not foresee this order.
/// Measured with AVX-512 on MobileNetV2's windows of 3 x 3: passes over 32 x 32 pixels take 0.67 to 0.88 of the time.
/// With 8 pixels in a row or fewer, which come from a cache, prefetching costs 5 to 15 %.
template <class Pattern, memory_access Access, class T>
[[gnu::always_inline]] inline void prefetch_pixels(const T* values, std::size_t channels) {
  direct::unrolled<Pattern::pixels>([&](auto j) __attribute__((always_inline)) {
    __builtin_prefetch(values + (Pattern::pixels + j) * channels, Access == memory_access::write ? 1 : 0);
  });
}

/// Computes what correlate() says, for all channels in whole packets. Each weight and each input is loaded once for a
/// few pixels.
template <class Pattern, class T>
[[gnu::noinline]] void correlate_packets(const input_rows<T>& input, std::ptrdiff_t position, std::size_t pixels,
                                         const T* w, const T* bias, T* out, kernel::store mode) {
  using direct::load, direct::packet, direct::unrolled;
  for_few_pixels<Pattern>(position, pixels, input.width, [&](const few_pixels& some, auto interior) {
    T* target = out + some.first * input.channels;
    for (std::size_t c = 0; c < input.whole(); c += direct::width<T>) {
      if (pixels > Pattern::pixels) {
        input.template prefetch<Pattern>(c, some);
        prefetch_pixels<Pattern, memory_access::write>(target + c, input.channels);
      }
      packet<T> sums[Pattern::pixels];
      const packet<T> start = bias == nullptr ? packet<T>{} : load(bias + c);
      unrolled<Pattern::pixels>([&](auto j) __attribute__((always_inline)) {
        const bool adds = mode == kernel::store::add && (interior() || j < some.count);
        sums[j] = adds ? load(target + j * input.channels + c) : start;
      });
      for (std::size_t r = 0; r < input.rows.count; ++r) {
        packet<T> weights[Pattern::taps];
        unrolled<Pattern::taps>([&](auto tap) __attribute__((always_inline)) {
          weights[tap] = load(w + input.cell(r) + tap * input.channels + c);
        });
        input.template for_elements<Pattern>(
            r, c, some, interior, [&](auto element, packet<T> value) __attribute__((always_inline)) {
              Pattern::for_taps(
                  element, [&](auto tap, auto j) __attribute__((always_inline)) {
                    sums[j] = direct::multiply_add<T>(weights[tap], value, sums[j]);
                  });
            });
      }
      unrolled<Pattern::pixels>([&](auto j) __attribute__((always_inline)) {
        if (interior() || j < some.count) direct::store<T>(sums[j], target + j * input.channels + c);
      });
    }
  });
}

/// Computes what add_products() says, for all channels in whole packets. Each input and each value of g is loaded once
/// for a few pixels.
template <class Pattern, class T>
[[gnu::noinline]] void add_products_of_packets(const input_rows<T>& input, std::ptrdiff_t position, std::size_t pixels,
                                               const T* g, T* sum) {
  using direct::load, direct::packet, direct::unrolled;
  for_few_pixels<Pattern>(position, pixels, input.width, [&](const few_pixels& some, auto interior) {
    for (std::size_t c = 0; c < input.whole(); c += direct::width<T>) {
      if (pixels > Pattern::pixels) {
        input.template prefetch<Pattern>(c, some);
        prefetch_pixels<Pattern, memory_access::read>(g + some.first * input.channels + c, input.channels);
      }
      packet<T> factors[Pattern::pixels];
      unrolled<Pattern::pixels>([&](auto j) __attribute__((always_inline)) {
        factors[j] = interior() || j < some.count ? load(g + (some.first + j) * input.channels + c) : packet<T>{};
      });
      for (std::size_t r = 0; r < input.rows.count; ++r) {
        packet<T> sums[Pattern::taps];
        unrolled<Pattern::taps>([&](auto tap) __attribute__((always_inline)) { sums[tap] = packet<T>{}; });
        input.template for_elements<Pattern>(
            r, c, some, interior, [&](auto element, packet<T> value) __attribute__((always_inline)) {
              Pattern::for_taps(
                  element, [&](auto tap, auto j) __attribute__((always_inline)) {
                    sums[tap] = direct::multiply_add<T>(factors[j], value, sums[tap]);
                  });
            });
        unrolled<Pattern::taps>([&](auto tap) __attribute__((always_inline)) {
          T* place = sum + input.cell(r) + tap * input.channels + c;
          direct::store<T>(load(place) + sums[tap], place);
        });
      }
    }
  });
}

/// f(first, size) over blocks of channels begin ... channels - 1, where `size` is a type whose value the compiler
/// knows. Blocks of 256 bytes are four AVX-512 or eight AVX2 registers: enough sums that do not wait for each other,
/// and few enough to stay in registers beside weights and inputs. Measured with AVX2, one pixel at a time (64 channels,
/// 32 x 32 pixels): a pass takes 0.70 to 0.85 of the time that it takes with blocks of 128 bytes at most. These, one
/// AVX2 register, one SSE register and single channels take what is left.
template <class T, class F>
void for_channel_blocks(std::size_t begin, std::size_t channels, const F& f) {
  const auto blocks_of = [&](auto size) {
    for (; begin + size() <= channels; begin += size()) f(begin, size);
  };
  blocks_of(std::integral_constant<std::size_t, 256 / sizeof(T)>{});
  blocks_of(std::integral_constant<std::size_t, 128 / sizeof(T)>{});
  blocks_of(std::integral_constant<std::size_t, 32 / sizeof(T)>{});
  blocks_of(std::integral_constant<std::size_t, 16 / sizeof(T)>{});
  blocks_of(std::integral_constant<std::size_t, 1>{});
}

/// Computes out(j, c) = bias(c) + sum of w(cell, c) in(position, c) over the cells and positions that cells_over_input
/// or cells_over_output gives for pixel j of row y, or adds the sum to out(j, c), as `mode` says.
///
/// @param extents   shape of `in`: the layer's input, or its output for an input gradient
/// @param w         weights, I x C; for an input gradient, with their cells in reverse order
/// @param bias      C values, or null
template <class T>
[[gnu::noinline]] void correlate(const window& field, correlation result, const shape& extents, std::size_t y,
                                 const pixels& selected, const T* in, const T* w, const T* bias, T* out,
                                 kernel::store mode = kernel::store::replace) {
  const std::size_t channels = extents.channels;
  const auto cells_at = [&](std::size_t position, std::size_t size, std::size_t kernel, std::size_t stride,
                            std::size_t padding) {
    return result == correlation::input_gradient ? cells_over_output(position, size, kernel, stride, padding)
                                                 : cells_over_input(position, size, kernel, stride, padding);
  };
  const cells rows = cells_at(y, extents.height, field.height, field.stride.height, field.padding.height);
  const input_rows<T> input{rows, field.width, extents.width, channels, in};
  const bool packed = with_pattern(field, result, selected, [&](auto row, std::ptrdiff_t position) {
    correlate_packets<decltype(row)>(input, position, selected.count, w, bias, out, mode);
  });
  const std::size_t begin = packed ? input.whole() : 0;
  if (begin == channels) return;
  for (std::size_t j = 0; j < selected.count; ++j) {
    const cells columns = cells_at(selected.first + j * selected.step, extents.width, field.width, field.stride.width,
                                   field.padding.width);
    for_channel_blocks<T>(begin, channels, [&](std::size_t c, auto size) {
      std::array<T, size()> sum{};
      const T* start = mode == kernel::store::add ? out + j * channels : bias;
      if (start != nullptr) std::copy(start + c, start + c + size(), sum.begin());
      for (std::size_t r = 0; r < rows.count; ++r) {
        const T* weights = w + ((rows.first + r * rows.step) * field.width + columns.first) * channels + c;
        const T* seen = in + ((rows.position + r) * extents.width + columns.position) * channels + c;
        for (std::size_t k = 0; k < columns.count; ++k) {
          for (std::size_t i = 0; i < size(); ++i) {
            sum[i] += weights[k * columns.step * channels + i] * seen[k * channels + i];
          }
        }
      }
      std::copy(sum.begin(), sum.end(), out + j * channels + c);
    });
  }
}

/// Computes sum(cell, c) += sum over the selected pixels j of output row y of g(j, c) times the input in channel c that
/// lies under this cell of the window of j.
///   x: one sample,  g: selected.count x C, or null for all 1,  sum: I x C
template <class T>
[[gnu::noinline]] void add_products(const linear_map& map, std::size_t y, const pixels& selected, const T* x,
                                    const T* g, T* sum) {
  const window& field = map.field;
  const std::size_t channels = map.in.channels;
  const std::size_t stride = field.stride.width;
  const std::size_t padding = field.padding.width;
  const std::size_t advance = selected.step * stride * channels;
  const auto divide_up = [](std::size_t a, std::size_t b) { return (a + b - 1) / b; };
  const cells rows = cells_over_input(y, map.in.height, field.height, field.stride.height, field.padding.height);
  const input_rows<T> input{rows, field.width, map.in.width, channels, x};
  const bool packed =
      g != nullptr && with_pattern(field, correlation::response, selected, [&](auto row, std::ptrdiff_t position) {
        add_products_of_packets<decltype(row)>(input, position, selected.count, g, sum);
      });
  const std::size_t first_channel = packed ? input.whole() : 0;
  if (first_channel == channels) return;
  for (std::size_t column = 0; column < field.width; ++column) {
    // This column is inside the image for pixels left <= pixel < right; of `selected`, these are begin ... end - 1.
    const std::size_t image_end = map.in.width + padding;
    const std::size_t left = column < padding ? divide_up(padding - column, stride) : 0;
    const std::size_t right = column < image_end ? divide_up(image_end - column, stride) : 0;
    const std::size_t begin = left > selected.first ? divide_up(left - selected.first, selected.step) : 0;
    const std::size_t end =
        right > selected.first ? (std::min)(selected.count, divide_up(right - selected.first, selected.step)) : 0;
    if (begin >= end) continue;
    const std::size_t first = (selected.first + begin * selected.step) * stride + column - padding;
    for (std::size_t r = 0; r < rows.count; ++r) {
      const T* row = x + ((rows.position + r) * map.in.width + first) * channels;
      T* target = sum + ((rows.first + r) * field.width + column) * channels;
      for_channel_blocks<T>(first_channel, channels, [&](std::size_t c, auto size) {
        std::array<T, size()> part{};
        std::copy(target + c, target + c + size(), part.begin());
        for (std::size_t j = begin; j < end; ++j) {
          const T* seen = row + (j - begin) * advance + c;
          if (g == nullptr) {
            for (std::size_t i = 0; i < size(); ++i) part[i] += seen[i];
          } else {
            for (std::size_t i = 0; i < size(); ++i) part[i] += g[j * channels + c + i] * seen[i];
          }
        }
        std::copy(part.begin(), part.end(), target + c);
      });
    }
  }
}

/// Transposes `matrix`, rows x columns, into `transposed`, columns x rows.
template <class T>
void transpose(const T* matrix, std::size_t rows, std::size_t columns, T* transposed) {
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) transposed[c * rows + r] = matrix[r * columns + c];
  }
}

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu::depthwise
