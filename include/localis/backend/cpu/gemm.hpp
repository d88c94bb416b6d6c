#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include <localis/backend/cpu/bfloat16_products.hpp>
#include <localis/backend/cpu/packet.hpp>
#include <localis/backend/cpu/panels.hpp>
#include <localis/backend/cpu/resources.hpp>
#include <localis/backend/cpu/window_products.hpp>
#include <localis/backend/cpu/windows.hpp>
#include <localis/config.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/rows.hpp>

namespace localis::cpu {
inline namespace LOCALIS_CPU_THREADS {

/// A row-major block of a larger array: rows x columns values, with `stride` elements from one row to the next.
template <class T>
struct matrix_view {
  T* data;
  std::size_t rows;
  std::size_t columns;
  std::size_t stride;
};

template <class T>
matrix_view<T> rows_of(T* data, std::size_t rows, std::size_t columns) {
  return {data, rows, columns, columns};
}

/// Adds `row` to each row of `matrix`.
template <class T>
void add_to_rows(const matrix_view<T>& matrix, const T* row) {
  for (std::size_t r = 0; r < matrix.rows; ++r) {
    T* out = matrix.data + r * matrix.stride;
    LOCALIS_VECTORIZE
    for (std::size_t i = 0; i < matrix.columns; ++i) out[i] += row[i];
  }
}

/// sums += the sum of all rows; a few rows at a time, and the sums of those: many rows lose no digits.
///
/// The error of a sum grows with its terms: 32 rows leave as many sums of a tile's 1024 rows as each has terms. 64
/// columns, four cache lines of floats, keep both arrays of sums in the first cache. Measured with AVX2: 8 rows and, in
/// matrices with more columns, 32 columns at a time take longer; with 128 of either, times differ by less than runs do.
template <class T>
void add_column_sums(const matrix_view<const T>& matrix, T* sums) {
  constexpr std::size_t few_rows = 32;
  constexpr std::size_t few_columns = 64;
  for (std::size_t first = 0; first < matrix.columns; first += few_columns) {
    const std::size_t size = (std::min)(few_columns, matrix.columns - first);
    T total[few_columns] = {};
    for (std::size_t begin = 0; begin < matrix.rows; begin += few_rows) {
      T part[few_columns] = {};
      for (std::size_t row = begin; row < (std::min)(begin + few_rows, matrix.rows); ++row) {
        const T* in = matrix.data + row * matrix.stride + first;
        LOCALIS_VECTORIZE
        for (std::size_t i = 0; i < size; ++i) part[i] += in[i];
      }
      LOCALIS_VECTORIZE
      for (std::size_t i = 0; i < size; ++i) total[i] += part[i];
    }
    LOCALIS_VECTORIZE
    for (std::size_t i = 0; i < size; ++i) sums[first + i] += total[i];
  }
}

namespace detail {

/// Computes c = a B or c += a B, as `mode` says, where copy(vectors, begin, length, first, count, panel) copies a block
/// of B to a panel: `length` of its rows from row `begin` on, and `count` of its columns from column `first` on.
///
/// The copy of a block stays in the first cache while the rows of `a` pass, and the part of `a` that the blocks of a
/// panel meet stays in the second cache until the next panel. All scratch, at most 32 KiB, is on the stack, of which a
/// thread may have no more than 128 KiB.
template <class T, class Copy>
void multiply_panels(const matrix_view<const T>& a, const matrix_view<T>& c, kernel::store mode, const Copy& copy) {
  constexpr std::size_t most_rows = 1024;
  // 512 KiB of floats. Measured with AVX-512: with all of 128 x 4096 values, a product takes 8 % longer, and with one
  // block of 32 x 1024 values at a time, 20 %, because a row of B is then no longer read from one end to the other.
  constexpr std::size_t most_values = std::size_t{1} << 17;
  alignas(workspace::alignment) T panel[direct::few_inputs * 3 * direct::width<T>];
  std::size_t places[most_rows];
  const std::size_t tile = std::clamp<std::size_t>(a.rows, 1, most_rows);
  for (std::size_t p = 0; p < tile; ++p) places[p] = p * a.stride;
  const std::size_t depth = (std::max)(most_values / tile / direct::few_inputs, std::size_t{1}) * direct::few_inputs;
  for (std::size_t row = 0; row < a.rows; row += tile) {
    const std::size_t rows = (std::min)(tile, a.rows - row);
    std::size_t top = 0;
    do {
      const std::size_t bottom = (std::min)(top + depth, a.columns);
      direct::for_panels<T>(c.columns, [&](std::size_t first, std::size_t count, auto vectors) {
        std::size_t begin = top;
        do {
          const std::size_t length = (std::min)(direct::few_inputs, bottom - begin);
          copy(vectors, begin, length, first, count, panel);
          const direct::windows<T> x{{1, 1, 0, 0, length}, a.data + row * a.stride + begin, places, rows};
          direct::respond_panel<vectors()>(x, static_cast<const T*>(panel), count,
                                           direct::strided_rows<T>{c.data + row * c.stride + first, c.stride},
                                           begin == 0 ? mode : kernel::store::add);
          begin += length;
        } while (begin < bottom);
      });
      top = bottom;
    } while (top < a.columns);
  }
}

/// Computes c[0 ... R - 1] as the products of a vector with R rows.
template <std::size_t R, class T>
[[gnu::always_inline]] inline void multiply_rows(const T* a, const matrix_view<const T>& b, T* c) {
  using direct::load, direct::packet, direct::width;
  constexpr std::size_t ways = 2;  // with R = 4, eight independent sums: more would not be computed faster
  packet<T> sums[R] = {};
  std::size_t i = 0;
  while (i + width<T> <= b.columns) {
    packet<T> part[R * ways] = {};
    const auto add = [&](std::size_t begin, auto way) __attribute__((always_inline)) {
      const packet<T> values = load(a + begin);
      direct::unrolled<R>([&](auto r) {
        packet<T>& sum = part[r * ways + way];
        sum = direct::multiply_add<T>(values, load(b.data + r * b.stride + begin), sum);
      });
    };
    const std::size_t end = (std::min)(b.columns, i + direct::few_inputs * ways * width<T>);
    for (; i + ways * width<T> <= end; i += ways * width<T>) {
      direct::unrolled<ways>([&](auto way) { add(i + way * width<T>, way); });
    }
    for (; i + width<T> <= end; i += width<T>) add(i, std::integral_constant<std::size_t, 0>{});
    direct::unrolled<R>([&](auto r) { sums[r] += part[r * ways] + part[r * ways + 1]; });
  }
  direct::unrolled<R>([&](auto r) { c[r] = direct::sum<T>(sums[r]); });
  for (; i < b.columns; ++i) {
    direct::unrolled<R>([&](auto r) { c[r] += a[i] * b.data[r * b.stride + i]; });
  }
}

/// Computes c = b a or c += b a, as `mode` says, for a vector a.   c: b.rows values, `step` elements apart
template <class T>
void multiply_vector(const T* a, const matrix_view<const T>& b, T* c, std::size_t step, kernel::store mode) {
  std::size_t row = 0;
  const auto multiply = [&](auto count) {
    T sums[count()];
    multiply_rows<count()>(a, matrix_view<const T>{b.data + row * b.stride, count(), b.columns, b.stride}, sums);
    for (const T sum : sums) {
      T& value = c[row++ * step];
      value = mode == kernel::store::add ? value + sum : sum;
    }
  };
  while (row + 4 <= b.rows) multiply(std::integral_constant<std::size_t, 4>{});
  while (row < b.rows) multiply(std::integral_constant<std::size_t, 1>{});
}

/// Computes c += factor a b for a vector a.
template <class T>
void add_vector_product(T factor, const T* a, const matrix_view<const T>& b, T* c) {
  constexpr std::size_t R = 8;  // rows whose sum is added to c: its rounding error grows with a part of the rows
  std::size_t row = 0;
  const T* rows = b.data;
  for (; row + R <= b.rows; row += R, rows += R * b.stride) {
    T factors[R];
    for (std::size_t r = 0; r < R; ++r) factors[r] = factor * a[row + r];
    LOCALIS_VECTORIZE
    for (std::size_t i = 0; i < b.columns; ++i) {
      T sum = 0;
      direct::unrolled<R>([&](auto r) { sum += factors[r] * rows[r * b.stride + i]; });
      c[i] += sum;
    }
  }
  for (; row < b.rows; ++row, rows += b.stride) {
    const T value = factor * a[row];
    LOCALIS_VECTORIZE
    for (std::size_t i = 0; i < b.columns; ++i) c[i] += value * rows[i];
  }
}

enum class sign { plus, minus };

/// Computes c = a b or c += a b, as `mode` says, with the sign of `direction`.
template <class T>
[[gnu::noinline]] void multiply_signed(const matrix_view<const T>& a, const matrix_view<const T>& b,
                                       const matrix_view<T>& c, kernel::store mode, sign direction) {
  const T factor = direction == sign::minus ? T(-1) : T(1);
  if (a.rows == 1) {
    if (mode == kernel::store::replace) std::fill_n(c.data, c.columns, T(0));
    return add_vector_product(factor, a.data, b, c.data);
  }
  multiply_panels(
      a, c, mode,
      [&](auto vectors, std::size_t begin, std::size_t length, std::size_t first, std::size_t count, T* panel) {
        direct::copy_rows(b.data + begin * b.stride + first, b.stride, count, length, vectors, panel);
        if (direction == sign::plus) return;
        for (std::size_t i = 0; i < length * vectors() * direct::width<T>; ++i) panel[i] = -panel[i];
      });
}

/// Computes c = a b or c += a b, as `mode` says, in bfloat16; or, if `transposes`, a^T b.
template <class T>
[[gnu::noinline]] void multiply_rounded(const matrix_view<const T>& a, bool transposes,
                                        const bfloat16::matrix<const T>& b, const matrix_view<T>& c,
                                        kernel::store mode) {
  constexpr std::size_t most_rows = 512;  // of which places take 4 KiB of stack
  std::size_t places[most_rows];
  for (std::size_t p = 0; p < (std::min)(most_rows, a.rows); ++p) places[p] = p * a.stride;
  std::size_t row = 0;
  do {
    const std::size_t rows = (std::min)(most_rows, a.rows - row);
    const direct::windows<T> x{{1, 1, 0, 0, a.columns}, a.data + row * a.stride, places, rows};
    if (transposes) {
      bfloat16::multiply({x, true}, {b.data + row * b.stride, b.stride}, c.columns, {c.data, c.stride},
                         row == 0 ? mode : kernel::store::add);
    } else {
      bfloat16::multiply({x}, b, c.columns, {c.data + row * c.stride, c.stride}, mode);
    }
    row += rows;
  } while (row < a.rows);
}

}  // namespace detail

/// Computes c = a b^T or c += a b^T, as `mode` says, on the calling thread: the response, U = X W^T. This and the next
/// three functions are the products of a layer.
template <class T>
[[gnu::noinline]] void multiply_abt(const matrix_view<const T>& a, const matrix_view<const T>& b,
                                    const matrix_view<T>& c, kernel::store mode,
                                    precision operands = precision::float32) {
  if constexpr (bfloat16::is_compiled<T>) {
    if (operands == precision::bfloat16) {
      return detail::multiply_rounded<T>(a, false, {b.data, b.stride, bfloat16::storage::transposed}, c, mode);
    }
  }
  // With a vector, copying the matrix would take longer than the product.
  if (a.rows == 1) return detail::multiply_vector(a.data, b, c.data, 1, mode);
  if (b.rows == 1) return detail::multiply_vector(b.data, a, c.data, c.stride, mode);
  detail::multiply_panels(
      a, c, mode,
      [&](auto vectors, std::size_t begin, std::size_t length, std::size_t first, std::size_t count, T* panel) {
        direct::copy_columns(b.data + first * b.stride + begin, b.stride, count, length, vectors, panel);
      });
}

/// Computes c = a^T b or c += a^T b, as `mode` says, on the calling thread: the weight product, G^T X.
template <class T>
[[gnu::noinline]] void multiply_atb(const matrix_view<const T>& a, const matrix_view<const T>& b,
                                    const matrix_view<T>& c, kernel::store mode,
                                    precision operands = precision::float32) {
  if constexpr (bfloat16::is_compiled<T>) {
    if (operands == precision::bfloat16) {
      return detail::multiply_rounded<T>(a, true, {b.data, b.stride}, c, mode);
    }
  }
  using direct::few_windows;
  alignas(workspace::alignment) T part[direct::product_part<T>];
  std::size_t places[few_windows];
  for (std::size_t p = 0; p < few_windows; ++p) places[p] = p * a.stride;
  direct::for_panels<T>(c.columns, [&](std::size_t first, std::size_t count, auto vectors) {
    std::size_t row = 0;
    do {
      const std::size_t rows = (std::min)(few_windows, a.rows - row);
      direct::copy_rows(b.data + row * b.stride + first, b.stride, count, rows, vectors, static_cast<T*>(part));
      const direct::windows<T> x{{1, 1, 0, 0, a.columns}, a.data + row * a.stride, places, rows};
      direct::product_panel<vectors()>(x, {part, vectors() * direct::width<T>},
                                       {c.data + first, c.stride, count, row == 0 ? mode : kernel::store::add});
      row += rows;
    } while (row < a.rows);
  });
}

/// Computes c = a b or c += a b, as `mode` says, on the calling thread: the input gradient, D W.
template <class T>
void multiply_ab(const matrix_view<const T>& a, const matrix_view<const T>& b, const matrix_view<T>& c,
                 kernel::store mode, precision operands = precision::float32) {
  if constexpr (bfloat16::is_compiled<T>) {
    if (operands == precision::bfloat16) {
      return detail::multiply_rounded<T>(a, false, {b.data, b.stride}, c, mode);
    }
  }
  detail::multiply_signed(a, b, c, mode, detail::sign::plus);
}

/// Computes c -= a b on the calling thread, as for the remainder X - G W of mutual forgetting.
template <class T>
void subtract_ab(const matrix_view<const T>& a, const matrix_view<const T>& b, const matrix_view<T>& c) {
  detail::multiply_signed(a, b, c, kernel::store::add, detail::sign::minus);
}

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu
