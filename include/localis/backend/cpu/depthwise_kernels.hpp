#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <type_traits>

#include <localis/config.hpp>
#include <localis/core/shape.hpp>

/// Arithmetic of depthwise convolution on one row of an image, channels last. Weights and their sums are laid out I x C
/// here, outside C x I, so that inner loops run over contiguous channels, a block of them in registers.
namespace localis::cpu::depthwise {
inline namespace LOCALIS_CPU_THREADS {

/// The cells of a window that meet an array, along one axis: cell first + k step meets position + k, k < count.
struct cells {
  std::size_t first = 0;
  std::size_t step = 1;
  std::size_t position = 0;
  std::size_t count = 0;
};

/// The window of output position `position`, over an input of `size`.
inline cells cells_over_input(std::size_t position, std::size_t size, std::size_t kernel, std::size_t stride,
                              std::size_t padding) {
  const std::size_t start = position * stride;  // before padding is taken off
  const std::size_t first = start < padding ? padding - start : 0;
  const std::size_t end = start < size + padding ? (std::min)(kernel, size + padding - start) : 0;
  if (first >= end) return {};
  return {first, 1, start + first - padding, end - first};
}

/// The windows, over an output of `size`, that see input position `position`; cells are counted from a window's last.
inline cells cells_over_output(std::size_t position, std::size_t size, std::size_t kernel, std::size_t stride,
                               std::size_t padding) {
  const std::size_t end = position + padding;  // output position o sees it in cell end - o stride
  const std::size_t first = end < kernel ? 0 : (end - kernel) / stride + 1;
  const std::size_t last = (std::min)(size, end / stride + 1);
  if (first >= last) return {};
  return {kernel - 1 + first * stride - end, stride, first, last - first};
}

/// Pixels first, first + step, ... of a row.
struct pixels {
  std::size_t first;
  std::size_t step;
  std::size_t count;
};

/// f(begin, size) over blocks of channels, where `size` is a type whose value the compiler knows. Blocks of 128 bytes
/// are two AVX-512 or four AVX2 registers: enough sums that do not wait for each other, and few enough to stay in
/// registers beside weights and inputs. One AVX2 register, one SSE register and single channels take what is left. The
/// sizes follow from the registers; others were not measured.
template <class T, class F>
void for_channel_blocks(std::size_t channels, const F& f) {
  std::size_t begin = 0;
  const auto blocks_of = [&](auto size) {
    for (; begin + size() <= channels; begin += size()) f(begin, size);
  };
  blocks_of(std::integral_constant<std::size_t, 128 / sizeof(T)>{});
  blocks_of(std::integral_constant<std::size_t, 32 / sizeof(T)>{});
  blocks_of(std::integral_constant<std::size_t, 16 / sizeof(T)>{});
  blocks_of(std::integral_constant<std::size_t, 1>{});
}

/// What a correlation computes: a response, or an input gradient, whose windows are those that see a pixel.
enum class correlation { response, input_gradient };

/// out(j, c) = bias(c) + sum over the cells of the windows that meet pixel j of row y of w(cell, c) in(position, c).
///
/// @param extents   of `in`: of the layer's input, or of its output for an input gradient
/// @param w         I x C; for an input gradient with its cells in reverse
/// @param bias      C, or null
template <class T>
[[gnu::noinline]] void correlate(const window& field, correlation result, const shape& extents, std::size_t y,
                                 const pixels& selected, const T* in, const T* w, const T* bias, T* out) {
  const std::size_t channels = extents.channels;
  const auto cells_at = [&](std::size_t position, std::size_t size, std::size_t kernel) {
    return result == correlation::input_gradient
               ? cells_over_output(position, size, kernel, field.stride, field.padding)
               : cells_over_input(position, size, kernel, field.stride, field.padding);
  };
  const cells rows = cells_at(y, extents.height, field.height);
  for (std::size_t j = 0; j < selected.count; ++j) {
    const cells columns = cells_at(selected.first + j * selected.step, extents.width, field.width);
    for_channel_blocks<T>(channels, [&](std::size_t c, auto size) {
      std::array<T, size()> sum{};
      if (bias != nullptr) std::copy(bias + c, bias + c + size(), sum.begin());
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

/// sum(cell, c) += sum over pixels j of output row y of g(j, c) times what that cell of their window sees in channel c.
///   x  one sample,  g  null: 1,  sum  I x C
template <class T>
[[gnu::noinline]] void add_products(const linear_map& map, std::size_t y, const pixels& selected, const T* x,
                                    const T* g, T* sum) {
  const window& field = map.field;
  const std::size_t channels = map.in.channels;
  const std::size_t advance = selected.step * field.stride * channels;
  const auto divide_up = [](std::size_t a, std::size_t b) { return (a + b - 1) / b; };
  const cells rows = cells_over_input(y, map.in.height, field.height, field.stride, field.padding);
  for (std::size_t column = 0; column < field.width; ++column) {
    // The pixels in whose windows this column lies inside the image: left <= pixel < right, and among `which`.
    const std::size_t image_end = map.in.width + field.padding;
    const std::size_t left = column < field.padding ? divide_up(field.padding - column, field.stride) : 0;
    const std::size_t right = column < image_end ? divide_up(image_end - column, field.stride) : 0;
    const std::size_t begin = left > selected.first ? divide_up(left - selected.first, selected.step) : 0;
    const std::size_t end =
        right > selected.first ? (std::min)(selected.count, divide_up(right - selected.first, selected.step)) : 0;
    if (begin >= end) continue;
    const std::size_t first = (selected.first + begin * selected.step) * field.stride + column - field.padding;
    for (std::size_t r = 0; r < rows.count; ++r) {
      const T* row = x + ((rows.position + r) * map.in.width + first) * channels;
      T* target = sum + ((rows.first + r) * field.width + column) * channels;
      for_channel_blocks<T>(channels, [&](std::size_t c, auto size) {
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

/// transposed: columns x rows, matrix: rows x columns
template <class T>
void transpose(const T* matrix, std::size_t rows, std::size_t columns, T* transposed) {
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) transposed[c * rows + r] = matrix[r * columns + c];
  }
}

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu::depthwise
