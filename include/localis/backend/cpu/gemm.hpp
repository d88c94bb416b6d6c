#pragma once

#include <algorithm>
#include <cstddef>

#include <Eigen/Core>

#include <localis/config.hpp>
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

namespace detail {

template <class T>
using matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <class T>
auto map(const matrix_view<T>& b) {
  return Eigen::Map<matrix<T>, 0, Eigen::OuterStride<>>(b.data, static_cast<Eigen::Index>(b.rows),
                                                        static_cast<Eigen::Index>(b.columns),
                                                        Eigen::OuterStride<>(static_cast<Eigen::Index>(b.stride)));
}
template <class T>
auto map(const matrix_view<const T>& b) {
  return Eigen::Map<const matrix<T>, 0, Eigen::OuterStride<>>(
      b.data, static_cast<Eigen::Index>(b.rows), static_cast<Eigen::Index>(b.columns),
      Eigen::OuterStride<>(static_cast<Eigen::Index>(b.stride)));
}

enum class sign { plus, minus };

/// Computes c += a b, or c -= a b if `direction` is minus, with Eigen's operators.
template <class A, class B, class C>
void add_by_operators(const A& a, const B& b, C& c, sign direction) {
  if (direction == sign::minus) {
    c.noalias() -= a * b;
  } else {
    c.noalias() += a * b;
  }
}

/// Computes c += a b, or c -= a b if `direction` is minus, with the product that Eigen's operators call, but with the
/// blocks that it packs on the heap.
///
/// No public function of Eigen lets a caller choose where the blocks lie. The internal functions called here are the
/// same in Eigen 3.4 and 5.0, with which they are tested. With later versions of Eigen, its operators are used until
/// this has been tested with them as well; threads then need a larger stack.
template <class A, class B, class C>
void add_in_blocks(const A& a, const B& b, C& c, sign direction) {
#if EIGEN_VERSION_AT_LEAST(5, 1, 0)
  add_by_operators(a, b, c, direction);
#else
  using scalar = typename C::Scalar;
  namespace eigen = Eigen::internal;
  constexpr int a_order = A::IsRowMajor ? Eigen::RowMajor : Eigen::ColMajor;
  constexpr int b_order = B::IsRowMajor ? Eigen::RowMajor : Eigen::ColMajor;
  using product = eigen::general_matrix_matrix_product<Eigen::Index, scalar, a_order, false, scalar, b_order, false,
                                                       Eigen::RowMajor, 1>;
  eigen::gemm_blocking_space<Eigen::RowMajor, scalar, scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::Dynamic> blocks(
      c.rows(), c.cols(), a.cols(), 1, true);
  blocks.allocateAll();
  product::run(c.rows(), c.cols(), a.cols(), a.data(), a.outerStride(), b.data(), b.outerStride(), c.data(), 1,
               c.outerStride(), scalar(direction == sign::minus ? -1 : 1), blocks);
#endif
}

/// Computes c += a b, or c -= a b if `direction` is minus, on the calling thread.
///
/// Eigen packs parts of a and b into two blocks, for which its own operators take up to 128 KB of stack each. Threads
/// may have less: 128 KB in all is what musl gives them and what OMP_STACKSIZE may set. Here the blocks are on the
/// heap. Products for which Eigen packs nothing use its operators: small ones, and those with a vector, unless Eigen
/// would copy a long vector that is not contiguous.
template <class A, class B, class C>
void add_product(const A& a, const B& b, C& c, sign direction = sign::plus) {
  using index = Eigen::Index;
  constexpr index few_values = 20;  // EIGEN_GEMM_TO_COEFFBASED_THRESHOLD: below it Eigen multiplies without packing
  // A copied vector may take 32 KiB of the stack of a thread that has 128 KiB; Eigen itself would let it take all 128.
  constexpr index stack_values = 32768 / sizeof(typename C::Scalar);
  if (a.rows() == 0 || b.cols() == 0 || a.cols() == 0) return;
  const bool is_vector = c.rows() == 1 || c.cols() == 1;
  const bool copies = !A::IsRowMajor || (B::IsRowMajor && c.cols() == 1);
  if (c.rows() + c.cols() + a.cols() < few_values ||
      (is_vector && (!copies || (std::max)(c.size(), a.cols()) <= stack_values))) {
    add_by_operators(a, b, c, direction);
  } else {
    add_in_blocks(a, b, c, direction);
  }
}

}  // namespace detail

/// Computes c = a b^T or c += a b^T, as `mode` says, on the calling thread: the response, U = X W^T. This and the next
/// two functions are the products of a layer, each compiled once per scalar.
template <class T>
[[gnu::noinline]] void multiply_abt(const matrix_view<const T>& a, const matrix_view<const T>& b,
                                    const matrix_view<T>& c, kernel::store mode) {
  auto out = detail::map(c);
  if (mode == kernel::store::replace) out.setZero();
  detail::add_product(detail::map(a), detail::map(b).transpose(), out);
}

/// Computes c = a^T b or c += a^T b, as `mode` says, on the calling thread: the weight product, G^T X.
template <class T>
[[gnu::noinline]] void multiply_atb(const matrix_view<const T>& a, const matrix_view<const T>& b,
                                    const matrix_view<T>& c, kernel::store mode) {
  auto out = detail::map(c);
  if (mode == kernel::store::replace) out.setZero();
  detail::add_product(detail::map(a).transpose(), detail::map(b), out);
}

/// Computes c = a b or c += a b, as `mode` says, on the calling thread: the input gradient, D W.
template <class T>
[[gnu::noinline]] void multiply_ab(const matrix_view<const T>& a, const matrix_view<const T>& b,
                                   const matrix_view<T>& c, kernel::store mode) {
  auto out = detail::map(c);
  if (mode == kernel::store::replace) out.setZero();
  detail::add_product(detail::map(a), detail::map(b), out);
}

/// Computes c -= a b on the calling thread, as for the remainder X - G W of mutual forgetting.
template <class T>
[[gnu::noinline]] void subtract_ab(const matrix_view<const T>& a, const matrix_view<const T>& b,
                                   const matrix_view<T>& c) {
  auto out = detail::map(c);
  detail::add_product(detail::map(a), detail::map(b), out, detail::sign::minus);
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

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu
