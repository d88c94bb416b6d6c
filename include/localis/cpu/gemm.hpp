#pragma once

#include <algorithm>
#include <cstddef>

#include <Eigen/Core>

#include <localis/config.hpp>

namespace localis::cpu {
inline namespace LOCALIS_CPU_THREADS {

/// A row-major block of a larger array: rows x columns, `stride` elements from row to row.
template <class T>
struct block {
  T* data;
  std::size_t rows;
  std::size_t columns;
  std::size_t stride;
};

template <class T>
block<T> rows_of(T* data, std::size_t rows, std::size_t columns) {
  return {data, rows, columns, columns};
}

namespace detail {

template <class T>
using matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <class T>
auto map(const block<T>& b) {
  return Eigen::Map<matrix<T>, 0, Eigen::OuterStride<>>(b.data, static_cast<Eigen::Index>(b.rows),
                                                        static_cast<Eigen::Index>(b.columns),
                                                        Eigen::OuterStride<>(static_cast<Eigen::Index>(b.stride)));
}
template <class T>
auto map(const block<const T>& b) {
  return Eigen::Map<const matrix<T>, 0, Eigen::OuterStride<>>(
      b.data, static_cast<Eigen::Index>(b.rows), static_cast<Eigen::Index>(b.columns),
      Eigen::OuterStride<>(static_cast<Eigen::Index>(b.stride)));
}

}  // namespace detail

/// The three products of a layer, each compiled once per scalar. On the calling thread; c = or c += by `add`.
///
/// c = a b^T:   response,         U = X W^T
template <class T>
[[gnu::noinline]] void multiply_abt(const block<const T>& a, const block<const T>& b, const block<T>& c, bool add) {
  auto out = detail::map(c);
  if (!add) out.setZero();
  out.noalias() += detail::map(a) * detail::map(b).transpose();
}

/// c = a^T b:   weight product,   G^T X
template <class T>
[[gnu::noinline]] void multiply_atb(const block<const T>& a, const block<const T>& b, const block<T>& c, bool add) {
  auto out = detail::map(c);
  if (!add) out.setZero();
  out.noalias() += detail::map(a).transpose() * detail::map(b);
}

/// c = a b:     input gradient,   D W
template <class T>
[[gnu::noinline]] void multiply_ab(const block<const T>& a, const block<const T>& b, const block<T>& c, bool add) {
  auto out = detail::map(c);
  if (!add) out.setZero();
  out.noalias() += detail::map(a) * detail::map(b);
}

/// c -= a b:    what a rule's units explain of each other's inputs
template <class T>
[[gnu::noinline]] void subtract_ab(const block<const T>& a, const block<const T>& b, const block<T>& c) {
  detail::map(c).noalias() -= detail::map(a) * detail::map(b);
}

/// Each row of `to` += row
template <class T>
void add_to_rows(const block<T>& to, const T* row) {
  for (std::size_t r = 0; r < to.rows; ++r) {
    T* out = to.data + r * to.stride;
    LOCALIS_VECTORIZE
    for (std::size_t i = 0; i < to.columns; ++i) out[i] += row[i];
  }
}

/// sums += the sum of all rows; a few rows at a time, and the sums of those: many rows lose no digits.
template <class T>
void add_column_sums(const block<const T>& from, T* sums) {
  constexpr std::size_t few = 32;
  constexpr std::size_t wide = 64;
  for (std::size_t first = 0; first < from.columns; first += wide) {
    const std::size_t size = (std::min)(wide, from.columns - first);
    T total[wide] = {};
    for (std::size_t begin = 0; begin < from.rows; begin += few) {
      T part[wide] = {};
      for (std::size_t row = begin; row < (std::min)(begin + few, from.rows); ++row) {
        const T* in = from.data + row * from.stride + first;
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
