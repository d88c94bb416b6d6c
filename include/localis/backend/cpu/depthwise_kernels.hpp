#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <type_traits>

#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/kernel/rows.hpp>

/// Depthwise convolution of one image row, channels last. Weights and their sums are C x I elsewhere but I x C here, so
/// that inner loops run over contiguous channels, a block of which is held in registers.
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

/// f(begin, size) over blocks of channels, where `size` is a type whose value the compiler knows. Blocks of 256 bytes
/// are four AVX-512 or eight AVX2 registers: enough sums that do not wait for each other, and few enough to stay in
/// registers beside weights and inputs. Measured with AVX2 (bench_layer, depthwise3x3_64_32px): a pass takes 0.70 to
/// 0.85 of the time that it takes with blocks of 128 bytes at most. These, one AVX2 register, one SSE register and
/// single channels take what is left.
template <class T, class F>
void for_channel_blocks(std::size_t channels, const F& f) {
  std::size_t begin = 0;
  const auto blocks_of = [&](auto size) {
    for (; begin + size() <= channels; begin += size()) f(begin, size);
  };
  blocks_of(std::integral_constant<std::size_t, 256 / sizeof(T)>{});
  blocks_of(std::integral_constant<std::size_t, 128 / sizeof(T)>{});
  blocks_of(std::integral_constant<std::size_t, 32 / sizeof(T)>{});
  blocks_of(std::integral_constant<std::size_t, 16 / sizeof(T)>{});
  blocks_of(std::integral_constant<std::size_t, 1>{});
}

/// The result of a correlation: a response, or an input gradient, which sums over the windows that see a pixel.
enum class correlation { response, input_gradient };

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
  for (std::size_t j = 0; j < selected.count; ++j) {
    const cells columns = cells_at(selected.first + j * selected.step, extents.width, field.width, field.stride.width,
                                   field.padding.width);
    for_channel_blocks<T>(channels, [&](std::size_t c, auto size) {
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

/// Transposes `matrix`, rows x columns, into `transposed`, columns x rows.
template <class T>
void transpose(const T* matrix, std::size_t rows, std::size_t columns, T* transposed) {
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) transposed[c * rows + r] = matrix[r * columns + c];
  }
}

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu::depthwise
