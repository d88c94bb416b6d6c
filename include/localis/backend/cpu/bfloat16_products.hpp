#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <localis/backend/cpu/packet.hpp>
#include <localis/backend/cpu/panels.hpp>
#include <localis/backend/cpu/window_products.hpp>
#include <localis/backend/cpu/windows.hpp>
#include <localis/config.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/rows.hpp>

/// Products in bfloat16 by the instruction vdpbf16ps, which adds the products of two pairs of values to a sum in float.
/// Operands are arrays of floats. A block of each is rounded to nearest, ties to even, as a product comes to it; values
/// below 1.2e-38 become 0. AMX is not used.
///
/// Cost: the instruction multiplies twice as many values as a multiply-add of floats. A processor that executes as many
/// of them multiplies up to twice as fast; an Intel Xeon (family 6, model 207) executes a quarter as many, so that
/// float is faster there (bench_layer).
/// Errors: operands are off by at most 2^-9 of their values; sums are those of float, in parts of 128 terms.
namespace localis::cpu::bfloat16 {
inline namespace LOCALIS_CPU_THREADS {

/// Whether products of arrays of T are compiled.
#if defined(__AVX512BF16__) && defined(__AVX512BW__) && defined(__AVX512VL__)
template <class T>
inline constexpr bool is_compiled = std::is_same_v<T, float>;
#else
template <class T>
inline constexpr bool is_compiled = false;
#endif

/// Whether this processor has the instruction.
[[nodiscard]] inline bool is_present() {
#if defined(__x86_64__) || defined(__i386__)
  return static_cast<bool>(__builtin_cpu_supports("avx512bf16"));
#else
  return false;
#endif
}

/// The left operand of a product: windows, one a row; or, if it is transposed, one a column.
struct left_operand {
  direct::windows<float> x;
  bool transposed = false;

  [[nodiscard]] std::size_t inputs() const { return x.walk.rows * x.walk.columns * x.walk.length; }
  [[nodiscard]] std::size_t rows() const { return transposed ? inputs() : x.count; }
  [[nodiscard]] std::size_t depth() const { return transposed ? x.count : inputs(); }
};

/// How the right operand and the result of a product are stored.
enum class storage {
  rows,        ///< by rows
  transposed,  ///< by columns
  panels       ///< in panels of columns (panels.hpp)
};

/// The right operand of a product, or its result, which is not transposed.
template <class T>
struct matrix {
  T* data;
  std::size_t stride;  ///< elements from row to row or, if it is transposed, from column to column; rows of panels
  storage order = storage::rows;

  /// Returns the beginning of a panel's columns.
  [[nodiscard]] T* begin(std::size_t first) const { return data + first * (order == storage::rows ? 1 : stride); }
  /// Returns the number of elements from row to row of a panel with `width` columns.
  [[nodiscard]] std::size_t step(std::size_t width) const { return order == storage::panels ? width : stride; }
};

/// Computes c = a b or c += a b, as `mode` says, on the calling thread.
///
/// @param columns  number of columns of b and c
void multiply(const left_operand& a, const matrix<const float>& b, std::size_t columns, const matrix<float>& c,
              kernel::store mode);

#if defined(__AVX512BF16__) && defined(__AVX512BW__) && defined(__AVX512VL__)

namespace detail {

using direct::packet;

inline constexpr std::size_t width = direct::width<float>;
/// Terms that are rounded, and summed, one after the other.
inline constexpr std::size_t few_terms = direct::few_inputs;
/// Rows of the left operand that are rounded at once. With three panels of the right operand, blocks take 52 KiB of
/// stack; a block of rows, of 16 KiB, stays in the first cache with a panel of 12 KiB.
inline constexpr std::size_t few_rows = 64;
inline constexpr std::size_t few_panels = 3;
inline constexpr std::size_t panel_size = few_terms * 3 * width;

/// The columns of a panel.
struct panel {
  std::size_t first;
  std::size_t count;
  std::size_t vectors;
};

[[gnu::always_inline]] inline __mmask16 mask(std::size_t count) {
  return static_cast<__mmask16>(count >= width ? 0xFFFFU : (1U << count) - 1U);
}
/// Rounds 16 values of `low`, and behind them 16 of `high`.
[[gnu::always_inline]] inline __m512i rounded(__m512 low, __m512 high) {
  return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low));
}

/// Rounds a row of values.
inline void round_row(const float* values, std::size_t size, std::uint16_t* out) {
  for (std::size_t i = 0; i < size; i += 2 * width) {
    const std::size_t left = size - i;
    const __m512 low = _mm512_maskz_loadu_ps(mask(left), values + i);
    const __m512 high = _mm512_maskz_loadu_ps(mask(left - (std::min)(left, width)), values + i + width);
    const __mmask32 stored = left >= 2 * width ? 0xFFFFFFFFU : (1U << left) - 1U;
    _mm512_mask_storeu_epi16(out + i, stored, rounded(low, high));
  }
}
/// Rounds two rows of values and stores them as pairs; `high` may be null for zeros, as are the values behind `size`.
inline void round_pairs(const float* low, const float* high, std::size_t size, std::size_t stored, std::uint16_t* out) {
  alignas(64) static constexpr std::uint16_t interleaved[2 * width] = {0,  16, 1,  17, 2,  18, 3,  19, 4,  20, 5,
                                                                       21, 6,  22, 7,  23, 8,  24, 9,  25, 10, 26,
                                                                       11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  const __m512i order = _mm512_load_si512(interleaved);
  for (std::size_t i = 0; i < stored; i += width) {
    const __mmask16 valid = mask(size - (std::min)(size, i));
    const __m512 lows = _mm512_maskz_loadu_ps(valid, low + i);
    const __m512 highs = high == nullptr ? __m512{} : _mm512_maskz_loadu_ps(valid, high + i);
    _mm512_mask_storeu_epi32(out + 2 * i, mask(stored - i), _mm512_permutexvar_epi16(order, rounded(lows, highs)));
  }
}

/// Rounds `rows` rows of the left operand from row `first` on, `length` terms of each from term `begin` on. Term 2k + 1
/// is stored behind term 2k: the pairs of a row lie one behind the other or, if the operand is transposed, few_rows
/// apart.
[[gnu::noinline]] inline void round_left(const left_operand& a, std::size_t first, std::size_t rows, std::size_t begin,
                                         std::size_t length, std::uint16_t* out) {
  const direct::stretches& walk = a.x.walk;
  std::size_t input = a.transposed ? first : begin;
  const std::size_t last = input + (a.transposed ? rows : length);
  for (std::size_t done = 0; input < last;) {
    const std::size_t cell = input / walk.length;
    const std::size_t skipped = input % walk.length;
    const std::size_t size = (std::min)(walk.length - skipped, last - input);
    const std::size_t place = cell / walk.columns * walk.row_step + cell % walk.columns * walk.column_step + skipped;
    if (a.transposed) {
      for (std::size_t p = 0; p < length; p += 2) {
        const float* high = p + 1 < length ? a.x.begin(begin + p + 1) + place : nullptr;
        round_pairs(a.x.begin(begin + p) + place, high, size, size, out + p * few_rows + 2 * done);
      }
    } else {
      for (std::size_t p = 0; p < rows; ++p) {
        round_row(a.x.begin(first + p) + place, size, out + p * few_terms + done);
        if (length % 2 != 0) out[p * few_terms + length] = 0;
      }
    }
    done += size;
    input += size;
  }
}

/// Rounds `length` rows of a panel of the right operand from row `begin` on, and stores pairs of them.
[[gnu::noinline]] inline void round_right(const matrix<const float>& b, const panel& columns, std::size_t begin,
                                          std::size_t length, std::uint16_t* out) {
  const std::size_t step = columns.vectors * width;
  const float* values = b.begin(columns.first);
  if (b.order != storage::transposed) {
    const std::size_t stride = b.step(step);
    values += begin * stride;
    for (std::size_t i = 0; i < length; i += 2, values += 2 * stride) {
      round_pairs(values, i + 1 < length ? values + stride : nullptr, columns.count, step, out + i * step);
    }
    return;
  }
  for (std::size_t v = 0; v < columns.vectors; ++v) {
    for (std::size_t i = 0; i < length; i += 2 * width) {
      packet<float> pairs[width];
      const __mmask16 low = mask(length - i);
      const __mmask16 high = mask(length - (std::min)(length, i + width));
#pragma GCC unroll 16
      for (std::size_t r = 0; r < width; ++r) {
        const float* row = values + (v * width + r) * b.stride + begin + i;
        const bool used = v * width + r < columns.count;
        pairs[r] =
            reinterpret_cast<packet<float>>(rounded(_mm512_maskz_loadu_ps(used ? low : __mmask16{}, row),
                                                    _mm512_maskz_loadu_ps(used ? high : __mmask16{}, row + width)));
      }
      direct::transpose<float>(pairs);
      const std::size_t count = (std::min)(width, (length - i + 1) / 2);
      for (std::size_t k = 0; k < count; ++k) {
        _mm512_storeu_si512(out + (i + 2 * k) * step + 2 * v * width, reinterpret_cast<__m512i>(pairs[k]));
      }
    }
  }
}

/// Computes the product of `rows` rows of `pairs` pairs with a panel of V vectors.
template <std::size_t V>
[[gnu::noinline]] void multiply_panel(const std::uint16_t* a, bool transposed, std::size_t rows, std::size_t pairs,
                                      const std::uint16_t* b, std::size_t count, float* c, std::size_t stride,
                                      kernel::store mode) {
  constexpr std::size_t R = 8;  // 24 sums, 3 vectors of a panel and a pair, in 32 registers
  const std::size_t row_step = transposed ? 2 : few_terms;
  const std::size_t pair_step = transposed ? 2 * few_rows : 2;
  for (std::size_t p = 0; p < rows; p += R) {
    const std::size_t valid = (std::min)(R, rows - p);
    const std::uint16_t* values[R];
#pragma GCC unroll 8
    for (std::size_t r = 0; r < R; ++r) values[r] = a + (p + (std::min)(r, valid - 1)) * row_step;
    packet<float> sums[R * V] = {};
    const std::uint16_t* panel = b;
    for (std::size_t k = 0; k < pairs * pair_step; k += pair_step, panel += 2 * V * width) {
      __m512bh w[V];
#pragma GCC unroll 3
      for (std::size_t v = 0; v < V; ++v) w[v] = reinterpret_cast<__m512bh>(_mm512_loadu_si512(panel + 2 * v * width));
#pragma GCC unroll 8
      for (std::size_t r = 0; r < R; ++r) {
        std::int32_t pair;
        std::memcpy(&pair, values[r] + k, sizeof(pair));
        const auto x = reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
#pragma GCC unroll 3
        for (std::size_t v = 0; v < V; ++v) sums[r * V + v] = _mm512_dpbf16_ps(sums[r * V + v], x, w[v]);
      }
    }
#pragma GCC unroll 8
    for (std::size_t r = 0; r < R; ++r) {
      if (r >= valid) break;
      float* row = c + (p + r) * stride;
#pragma GCC unroll 3
      for (std::size_t v = 0; v < V; ++v) {
        const __mmask16 stored = mask(count - (std::min)(count, v * width));
        packet<float>& sum = sums[r * V + v];
        if (mode == kernel::store::add) sum += _mm512_maskz_loadu_ps(stored, row + v * width);
        _mm512_mask_storeu_ps(row + v * width, stored, sum);
      }
    }
  }
}

/// Computes the product for a few panels: what multiply() does for all.
[[gnu::noinline]] inline void multiply_panels(const left_operand& a, const matrix<const float>& b, const panel* panels,
                                              std::size_t count, const matrix<float>& c, kernel::store mode) {
  alignas(workspace::alignment) std::uint16_t left[few_rows * few_terms];
  alignas(workspace::alignment) std::uint16_t right[few_panels * panel_size];
  std::size_t begin = 0;
  do {
    const std::size_t length = (std::min)(few_terms, a.depth() - begin);
    for (std::size_t i = 0; i < count; ++i) round_right(b, panels[i], begin, length, right + i * panel_size);
    for (std::size_t first = 0; first < a.rows(); first += few_rows) {
      const std::size_t rows = (std::min)(few_rows, a.rows() - first);
      round_left(a, first, rows, begin, length, left);
      for (std::size_t i = 0; i < count; ++i) {
        const panel& columns = panels[i];
        const std::size_t step = columns.vectors * width;
        const auto multiply = columns.vectors == 1   ? multiply_panel<1>
                              : columns.vectors == 2 ? multiply_panel<2>
                                                     : multiply_panel<3>;
        multiply(left, a.transposed, rows, (length + 1) / 2, right + i * panel_size,
                 c.order == storage::panels ? step : columns.count, c.begin(columns.first) + first * c.step(step),
                 c.step(step), begin == 0 ? mode : kernel::store::add);
      }
    }
    begin += length;
  } while (begin < a.depth());
}

}  // namespace detail

inline void multiply(const left_operand& a, const matrix<const float>& b, std::size_t columns, const matrix<float>& c,
                     kernel::store mode) {
  detail::panel panels[detail::few_panels];
  std::size_t count = 0;
  direct::for_panels<float>(columns, [&](std::size_t first, std::size_t size, auto vectors) {
    panels[count++] = {first, size, vectors};
    if (count < detail::few_panels && first + size < columns) return;
    detail::multiply_panels(a, b, panels, count, c, mode);
    count = 0;
  });
}

#endif

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu::bfloat16
