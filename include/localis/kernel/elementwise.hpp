#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <localis/config.hpp>
#include <localis/core/unlabelled.hpp>
#include <localis/kernel/divide.hpp>
#include <localis/kernel/pack.hpp>
#include <localis/kernel/rows.hpp>
#include <localis/math/activation.hpp>

namespace localis::kernel {

/// Copies: target = source
template <class T>
struct copy {
  const T* source;
  T* target;
  std::size_t columns;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    LOCALIS_VECTORIZE
    for (std::size_t i = row * columns + begin; i < row * columns + end; ++i) target[i] = source[i];
  }
};

/// Fills: target = value
template <class T>
struct fill {
  T* target;
  T value;

  constexpr void operator()(std::size_t, std::size_t begin, std::size_t end) const {
    for (std::size_t i = begin; i < end; ++i) target[i] = value;
  }
};

/// Adds one row to all rows: row r of `target` += `row`.
template <class T>
struct add_to_rows {
  T* target;
  const T* row;
  std::size_t columns;

  constexpr void operator()(std::size_t r, std::size_t begin, std::size_t end) const {
    LOCALIS_VECTORIZE
    for (std::size_t i = begin; i < end; ++i) target[r * columns + i] += row[i];
  }
};

/// Sums rows by column: sums[0][i] += value i of each row; rows lie `stride` values apart.
template <class T, class Source = T>
struct column_sums {
  const Source* source;
  std::size_t stride;

  constexpr std::array<T, 1> terms(std::size_t row, std::size_t i) const {
    return {static_cast<T>(source[row * stride + i])};
  }
  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end, T* sums) const {
    add_row_terms(*this, row, begin, end, 0, sums);
  }
};

/// Copies rows: row n of `target` = row n of `source`, whose rows lie `stride` values apart.
template <class T, class Target = T>
struct gather_strided {
  const T* source;
  std::size_t stride;
  Target* target;
  std::size_t columns;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    for (std::size_t i = begin; i < end; ++i) target[row * columns + i] = static_cast<Target>(source[row * stride + i]);
  }
};

/// Transposes: row n of `target` = column n of `source`, or row n of `target` += column n of `source`, as `mode` says.
template <class T>
struct transposed {
  const T* source;
  std::size_t rows;  ///< number of rows of `target`
  T* target;
  std::size_t columns;
  store mode;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    for (std::size_t i = begin; i < end; ++i) {
      const T value = source[i * rows + row];
      target[row * columns + i] = mode == store::add ? target[row * columns + i] + value : value;
    }
  }
};

/// Gathers the rows of samples: row n of `target` = row index[n] of `source`, whose rows lie `stride` values apart, or
/// 0 if sample n is data::unlabelled.
template <class T>
struct gather_rows {
  const T* source;
  const std::uint32_t* index;
  const std::uint32_t* labels;  ///< one per sample, or null
  T* target;
  std::size_t columns;
  std::size_t stride;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    const bool labelled = labels == nullptr || labels[row] != data::unlabelled;
    for (std::size_t i = begin; i < end; ++i)
      target[row * columns + i] = labelled ? source[index[row] * stride + i] : T(0);
  }
};

/// Scatters rows: row index[n] of `target`, whose rows lie `stride` values apart, = row n of `source`; the indices must
/// be distinct.
template <class T>
struct scatter_rows {
  const T* source;
  const std::uint32_t* index;
  T* target;
  std::size_t columns;
  std::size_t stride;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    for (std::size_t i = begin; i < end; ++i) target[index[row] * stride + i] = source[row * columns + i];
  }
};

/// Puts a number before each row: row n of `target` = index[n], row n of `source`.
template <class T>
struct number_rows {
  const T* source;
  const std::uint32_t* index;
  double* target;
  std::size_t columns;  ///< of `source`

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    double* own = target + row * (columns + 1);
    if (begin == 0) *own = static_cast<double>(index[row]);
    for (std::size_t i = begin; i < end; ++i) own[1 + i] = static_cast<double>(source[row * columns + i]);
  }
};

/// Scatters rows that begin with a number: row m of `target` = the values behind m, which begins row n of `source`; the
/// numbers must be distinct.
template <class T>
struct place_rows {
  const double* source;
  T* target;
  std::size_t columns;  ///< of `target`

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    const double* own = source + row * (columns + 1);
    T* place = target + static_cast<std::size_t>(*own) * columns;
    for (std::size_t i = begin; i < end; ++i) place[i] = static_cast<T>(own[1 + i]);
  }
};

/// Looks up what the bytes of pictures stand for, channels last: target = values[byte][channel].
template <class T>
struct look_up {
  using scalar = T;
  const std::uint8_t* pixels;
  const float* values;  ///< 256 x channels
  T* target;
  std::size_t columns;  ///< values of a picture
  std::uint32_t channels;
  divider by_channels;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    for (std::size_t i = begin; i < end; ++i) {
      const std::uint32_t channel = by_channels(narrow(i)).remainder;
      target[row * columns + i] = value(pixels[row * columns + i], channel);
    }
  }

  [[nodiscard]] constexpr bool packs(std::size_t size) const { return columns % size == 0; }
  template <std::size_t N>
  constexpr void packed(std::uint32_t row, std::uint32_t begin) const {
    const std::uint64_t i = std::uint64_t{row} * columns + begin;
    const pack<std::uint8_t, N> bytes = load_pack<N>(pixels + i);
    std::uint32_t channel = by_channels(begin).remainder;
    pack<T, N> features{};
    for (std::size_t k = 0; k < N; ++k) {
      features[k] = value(bytes[k], channel);
      channel = channel + 1 == channels ? 0 : channel + 1;
    }
    store_pack(features, target + i);
  }

 private:
  [[nodiscard]] constexpr T value(std::uint8_t byte, std::uint32_t channel) const {
    return static_cast<T>(values[byte * channels + channel]);
  }
};

/// Scales rows: row n of x *= factor_n.
template <class T>
struct scale_rows {
  const T* factor;
  T* x;
  std::size_t columns;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    LOCALIS_VECTORIZE
    for (std::size_t i = row * columns + begin; i < row * columns + end; ++i) x[i] *= factor[row];
  }
};

/// Sum and activation: target = f(a + b); `target` may be `a`.
template <class T, class Function = identity_function>
struct add {
  using scalar = T;
  const T* a;
  const T* b;
  T* target;
  std::size_t columns;
  Function function{};

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    LOCALIS_VECTORIZE
    for (std::size_t i = row * columns + begin; i < row * columns + end; ++i) target[i] = function(a[i] + b[i]);
  }

  [[nodiscard]] constexpr bool packs(std::size_t size) const { return columns % size == 0; }
  template <std::size_t N>
  constexpr void packed(std::uint32_t row, std::uint32_t begin) const {
    const std::uint64_t i = std::uint64_t{row} * columns + begin;
    const pack<T, N> left = load_pack<N>(a + i);
    const pack<T, N> right = load_pack<N>(b + i);
    pack<T, N> sum{};
    for (std::size_t k = 0; k < N; ++k) sum[k] = function(left[k] + right[k]);
    store_pack(sum, target + i);
  }
};

/// Weighted sum: target = a_share a + b_share b; `target` may be `a` or `b`.
template <class T>
struct weighted_sum {
  const T* a;
  const T* b;
  T* target;
  std::size_t columns;
  T a_share;
  T b_share;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    LOCALIS_VECTORIZE
    for (std::size_t i = row * columns + begin; i < row * columns + end; ++i)
      target[i] = a_share * a[i] + b_share * b[i];
  }
};

/// Activation: y = f(x), element by element; y may be x.
template <class T, class Function>
struct activate {
  using scalar = T;
  const T* x;
  T* y;
  std::size_t columns;
  Function function;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    LOCALIS_VECTORIZE
    for (std::size_t i = row * columns + begin; i < row * columns + end; ++i) y[i] = function(x[i]);
  }

  [[nodiscard]] constexpr bool packs(std::size_t size) const { return columns % size == 0; }
  template <std::size_t N>
  constexpr void packed(std::uint32_t row, std::uint32_t begin) const {
    const std::uint64_t i = std::uint64_t{row} * columns + begin;
    pack<T, N> values = load_pack<N>(x + i);
    for (std::size_t k = 0; k < N; ++k) values[k] = function(values[k]);
    store_pack(values, y + i);
  }
};

/// Gradient of an activation: dx = dy f'(x), with the slope as a function of the output y = f(x) if the function states
/// it so, else of the input x; dx may be dy.
template <class T, class Function>
struct activate_gradient {
  using scalar = T;
  const T* known;  ///< y, or x
  const T* dy;
  T* dx;
  std::size_t columns;
  Function function;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    // The slope comes first: g++ moves what is loaded before `x > 0 ? 1 : 0`, and the product, into its branches.
    LOCALIS_VECTORIZE
    for (std::size_t i = row * columns + begin; i < row * columns + end; ++i) dx[i] = slope(known[i]) * dy[i];
  }

  [[nodiscard]] constexpr bool packs(std::size_t size) const { return columns % size == 0; }
  template <std::size_t N>
  constexpr void packed(std::uint32_t row, std::uint32_t begin) const {
    const std::uint64_t i = std::uint64_t{row} * columns + begin;
    const pack<T, N> values = load_pack<N>(known + i);
    pack<T, N> gradient = load_pack<N>(dy + i);
    for (std::size_t k = 0; k < N; ++k) gradient[k] *= slope(values[k]);
    store_pack(gradient, dx + i);
  }

 private:
  [[nodiscard]] constexpr T slope(T value) const {
    if constexpr (slope_of_output<Function>) {
      return function.slope(value);
    } else {
      return function.slope_at(value);
    }
  }
};

}  // namespace localis::kernel
