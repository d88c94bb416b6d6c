#pragma once

#include <cstddef>
#include <cstdint>

#include <localis/config.hpp>
#include <localis/kernel/divide.hpp>
#include <localis/kernel/pack.hpp>
#include <localis/kernel/rows.hpp>

/// Kernels that join the branches of a network.
namespace localis::kernel {

/// Copies rows into wider ones: columns first ... first + columns - 1 of `target`, whose rows lie `stride` values
/// apart, = `source`.
template <class T>
struct insert_columns {
  using scalar = T;
  const T* source;
  std::size_t columns;
  T* target;
  std::size_t stride;
  std::size_t first;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    LOCALIS_VECTORIZE
    for (std::size_t i = begin; i < end; ++i) target[row * stride + first + i] = source[row * columns + i];
  }

  [[nodiscard]] constexpr bool packs(std::size_t size) const {
    return columns % size == 0 && stride % size == 0 && first % size == 0;
  }
  template <std::size_t N>
  constexpr void packed(std::uint32_t row, std::uint32_t begin) const {
    store_pack(load_pack<N>(source + std::uint64_t{row} * columns + begin),
               target + std::uint64_t{row} * stride + first + begin);
  }
};

/// Copies rows out of wider ones: `target` = columns first ... first + columns - 1 of `source`, whose rows lie `stride`
/// values apart, or `target` += these, as `mode` says.
template <class T>
struct extract_columns {
  using scalar = T;
  const T* source;
  std::size_t stride;
  std::size_t first;
  T* target;
  std::size_t columns;
  store mode;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    LOCALIS_VECTORIZE
    for (std::size_t i = begin; i < end; ++i) {
      const T value = source[row * stride + first + i];
      target[row * columns + i] = mode == store::add ? target[row * columns + i] + value : value;
    }
  }

  [[nodiscard]] constexpr bool packs(std::size_t size) const {
    return columns % size == 0 && stride % size == 0 && first % size == 0;
  }
  template <std::size_t N>
  constexpr void packed(std::uint32_t row, std::uint32_t begin) const {
    T* place = target + std::uint64_t{row} * columns + begin;
    pack<T, N> values = load_pack<N>(source + std::uint64_t{row} * stride + first + begin);
    if (mode == store::add) {
      const pack<T, N> sums = load_pack<N>(place);
      for (std::size_t k = 0; k < N; ++k) values[k] = sums[k] + values[k];
    }
    store_pack(values, place);
  }
};

/// Product: target = a b, where the rows of one group, by_group(row).whole, share a row of b; `target` may be `a`.
template <class T>
struct multiply {
  using scalar = T;
  const T* a;
  const T* b;
  T* target;
  std::size_t columns;
  divider by_group{};

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    const T* factors = b + by_group(narrow(row)).whole * columns;
    LOCALIS_VECTORIZE
    for (std::size_t i = begin; i < end; ++i) target[row * columns + i] = a[row * columns + i] * factors[i];
  }

  [[nodiscard]] constexpr bool packs(std::size_t size) const { return columns % size == 0; }
  template <std::size_t N>
  constexpr void packed(std::uint32_t row, std::uint32_t begin) const {
    const std::uint64_t i = std::uint64_t{row} * columns + begin;
    pack<T, N> product = load_pack<N>(a + i);
    const pack<T, N> factors = load_pack<N>(b + std::uint64_t{by_group(row).whole} * columns + begin);
    for (std::size_t k = 0; k < N; ++k) product[k] *= factors[k];
    store_pack(product, target + i);
  }
};

/// Sums of products: row n of `target` = the sum of a b over rows n count ... (n + 1) count - 1.
template <class T>
struct sum_products {
  using scalar = T;
  const T* a;
  const T* b;
  T* target;
  std::size_t columns;
  std::size_t count;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    for (std::size_t i = begin; i < end; ++i) target[row * columns + i] = T(0);
    for (std::size_t k = row * count; k < (row + 1) * count; ++k) {
      LOCALIS_VECTORIZE
      for (std::size_t i = begin; i < end; ++i) target[row * columns + i] += a[k * columns + i] * b[k * columns + i];
    }
  }

  [[nodiscard]] constexpr bool packs(std::size_t size) const { return columns % size == 0; }
  template <std::size_t N>
  constexpr void packed(std::uint32_t row, std::uint32_t begin) const {
    pack<T, N> sums{};
    for (std::size_t k = row * count; k < (row + 1) * count; ++k) {
      const pack<T, N> left = load_pack<N>(a + k * columns + begin);
      const pack<T, N> right = load_pack<N>(b + k * columns + begin);
      for (std::size_t i = 0; i < N; ++i) sums[i] += left[i] * right[i];
    }
    store_pack(sums, target + std::uint64_t{row} * columns + begin);
  }
};

}  // namespace localis::kernel
