#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <localis/config.hpp>
#include <localis/kernel/pack.hpp>
#include <localis/kernel/pooling.hpp>
#include <localis/kernel/rows.hpp>
#include <localis/math/activation.hpp>

/// Kernels of batch normalization (Ioffe and Szegedy 2015), as passes over contiguous channel rows.
///
///   y = gamma (u - mean) / sqrt(variance + eps) + beta     per channel, over P rows
///
/// Sums are over u - m, where m is the running mean: this is exact for any m, and free of cancellation once m is near
/// the mean.
namespace localis::kernel {

/// Moments about m = center: sums[0][c] += u - m,  sums[1][c] += (u - m)^2
template <class T>
struct moments {
  const T* u;
  const T* center;
  std::size_t channels;

  constexpr std::array<T, 2> terms(std::size_t row, std::size_t c) const {
    const T x = u[row * channels + c] - center[c];
    return {x, x * x};
  }
  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end, T* sums) const {
    add_row_terms(*this, row, begin, end, channels, sums);
  }
};

/// Scale, shift and activation: y = f(u scale + shift); y may be u.
template <class T, class Function = identity_function>
struct scale_shift {
  using scalar = T;
  const T* u;
  T* y;
  const T* scale;
  const T* shift;
  std::size_t channels;
  Function function{};

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    const T* in = u + row * channels;
    T* out = y + row * channels;
    LOCALIS_VECTORIZE
    for (std::size_t c = begin; c < end; ++c) out[c] = function(in[c] * scale[c] + shift[c]);
  }

  [[nodiscard]] constexpr bool packs(std::size_t size) const { return channels % size == 0; }
  template <std::size_t N>
  constexpr void packed(std::uint32_t row, std::uint32_t begin) const {
    const std::uint64_t i = std::uint64_t{row} * channels + begin;
    pack<T, N> values = load_pack<N>(u + i);
    const pack<T, N> factor = load_pack<N>(scale + begin);
    const pack<T, N> offset = load_pack<N>(shift + begin);
    for (std::size_t k = 0; k < N; ++k) values[k] = function(values[k] * factor[k] + offset[k]);
    store_pack(values, y + i);
  }
};

/// Scale, shift, sum with another array and activation: y = f(u scale + shift + addend); y may be u or addend.
template <class T, class Function = identity_function>
struct scale_shift_add {
  using scalar = T;
  scale_shift<T, Function> apply;
  const T* addend;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    const T* in = apply.u + row * apply.channels;
    const T* more = addend + row * apply.channels;
    T* out = apply.y + row * apply.channels;
    LOCALIS_VECTORIZE
    for (std::size_t c = begin; c < end; ++c) {
      out[c] = apply.function(in[c] * apply.scale[c] + apply.shift[c] + more[c]);
    }
  }

  [[nodiscard]] constexpr bool packs(std::size_t size) const { return apply.packs(size); }
  template <std::size_t N>
  constexpr void packed(std::uint32_t row, std::uint32_t begin) const {
    const std::uint64_t i = std::uint64_t{row} * apply.channels + begin;
    pack<T, N> values = load_pack<N>(apply.u + i);
    const pack<T, N> more = load_pack<N>(addend + i);
    const pack<T, N> factor = load_pack<N>(apply.scale + begin);
    const pack<T, N> offset = load_pack<N>(apply.shift + begin);
    for (std::size_t k = 0; k < N; ++k) values[k] = apply.function(values[k] * factor[k] + offset[k] + more[k]);
    store_pack(values, apply.y + i);
  }
};

/// Scale, shift and activation, and then the maximum of each pooling window, which `pool` takes of what `apply` has
/// written. Each row is one window; they must tile the image (windows_tile).
template <class T, class Function>
struct scale_shift_pool {
  using scalar = T;
  scale_shift<T, Function> apply;
  max_pool<T> pool;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    pool.for_each_pixel(narrow(row), [&](std::size_t pixel) { apply(pixel, begin, end); });
    pool(row, begin, end);
  }

  [[nodiscard]] constexpr bool packs(std::size_t size) const { return apply.packs(size); }
  template <std::size_t N>
  constexpr void packed(std::uint32_t row, std::uint32_t begin) const {
    pool.for_each_pixel(row, [&](std::uint32_t pixel) { apply.template packed<N>(pixel, begin); });
    pool.template packed<N>(row, begin);
  }
};

/// Normalizes with a known scale and shift, and adds up the moments of u in the same pass; y may be u.
template <class T, class Function = identity_function>
struct scale_shift_moments {
  scale_shift<T, Function> apply;
  const T* center;

  constexpr std::array<T, 2> terms(std::size_t row, std::size_t c) const {
    const T value = apply.u[row * apply.channels + c];
    const T x = value - center[c];
    apply.y[row * apply.channels + c] = apply.function(value * apply.scale[c] + apply.shift[c]);
    return {x, x * x};
  }
  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end, T* sums) const {
    add_row_terms(*this, row, begin, end, apply.channels, sums);
  }
};

/// Scale and shift per channel from running statistics: scale = gamma / sqrt(variance + eps), shift = beta - mean
/// scale.
template <class T>
struct running_scale {
  const T* gamma;
  const T* beta;
  const T* running_mean;
  const T* running_variance;
  T epsilon;
  T* scale;
  T* shift;

  constexpr void operator()(std::size_t, std::size_t begin, std::size_t end) const {
    for (std::size_t c = begin; c < end; ++c) {
      scale[c] = gamma[c] / std::sqrt(running_variance[c] + epsilon);
      shift[c] = beta[c] - running_mean[c] * scale[c];
    }
  }
};

/// The same, with the mean and 1 / deviation that the gradient with respect to gamma is computed from.
template <class T>
struct save_running {
  running_scale<T> running;
  T* mean;
  T* inverse_deviation;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    running(row, begin, end);
    for (std::size_t c = begin; c < end; ++c) {
      mean[c] = running.running_mean[c];
      inverse_deviation[c] = T(1) / std::sqrt(running.running_variance[c] + running.epsilon);
    }
  }
};

/// Scale and shift per channel without gamma and beta: scale = 1 / sqrt(variance + eps), shift = -mean scale.
template <class T>
struct standard_scale {
  const T* mean;
  const T* variance;
  T epsilon;
  T* scale;
  T* shift;

  constexpr void operator()(std::size_t, std::size_t begin, std::size_t end) const {
    for (std::size_t c = begin; c < end; ++c) {
      scale[c] = T(1) / std::sqrt(variance[c] + epsilon);
      shift[c] = -mean[c] * scale[c];
    }
  }
};

/// Scale and shift per channel without gamma and beta, from the moments of P rows about `center` (kernel::moments).
template <class T>
struct batch_scale {
  const T* sums;
  const T* center;
  std::size_t channels;
  T inv_count;  ///< 1 / P
  T epsilon;
  T* scale;
  T* shift;

  constexpr void operator()(std::size_t, std::size_t begin, std::size_t end) const {
    for (std::size_t c = begin; c < end; ++c) {
      const T offset = inv_count * sums[c];
      const T spread = inv_count * sums[channels + c] - offset * offset;
      const T variance = spread > T(0) ? spread : T(0) * spread;  // keeps NaN
      scale[c] = T(1) / std::sqrt(variance + epsilon);
      shift[c] = -(center[c] + offset) * scale[c];
    }
  }
};

/// Updates the running mean and variance of u from the sums over P rows of z = u scale + shift and of z^2.
template <class T>
struct update_running_moments {
  const T* sums;
  const T* squares;
  const T* scale;
  T inv_count;  ///< 1 / P
  T part;
  T* mean;
  T* variance;

  constexpr void operator()(std::size_t, std::size_t begin, std::size_t end) const {
    for (std::size_t c = begin; c < end; ++c) {
      const T offset = inv_count * sums[c];
      const T spread = inv_count * squares[c] - offset * offset;
      mean[c] += part * offset / scale[c];
      variance[c] += part * (spread / (scale[c] * scale[c]) - variance[c]);
    }
  }
};

/// The mean of a channel about the center of its sums over P rows, and its variance.
template <class T>
[[nodiscard]] constexpr std::array<T, 2> mean_and_variance(const T* sums, std::size_t channels, std::size_t c, T rows) {
  const T offset = sums[c] / rows;
  const T spread = sums[channels + c] / rows - offset * offset;
  return {offset, spread > T(0) ? spread : T(0) * spread};  // keeps NaN
}

/// Moves running statistics towards those of P rows with weight `momentum` (unbiased variance, as in PyTorch).
/// @param offset  mean of the rows about the running mean
template <class T>
constexpr void move_running_statistics(T offset, T variance, T rows, T momentum, T& running_mean, T& running_variance) {
  running_mean += momentum * offset;
  const T unbiased = rows > T(1) ? variance * rows / (rows - T(1)) : variance;
  running_variance += momentum * (unbiased - running_variance);
}

/// Updates the running statistics from the moments of P rows about the running mean.
template <class T>
struct update_running_statistics {
  const T* sums;
  T* running_mean;
  T* running_variance;
  std::size_t channels;
  std::size_t rows;
  T momentum;

  constexpr void operator()(std::size_t, std::size_t begin, std::size_t end) const {
    const T count = static_cast<T>(rows);
    for (std::size_t c = begin; c < end; ++c) {
      const auto [offset, variance] = mean_and_variance(sums, channels, c, count);
      move_running_statistics(offset, variance, count, momentum, running_mean[c], running_variance[c]);
    }
  }
};

/// Computes, from the moments of P rows, the mean and 1 / deviation of each channel in this batch and, if wanted, its
/// scale and shift. Updates the running statistics, as move_running_statistics() does. Without rows it does nothing:
/// the moments of other ranks are missing yet.
template <class T>
struct finish_moments {
  const T* sums;
  const T* gamma;
  const T* beta;
  T* running_mean;
  T* running_variance;
  T* mean;
  T* inverse_deviation;
  T* scale;
  T* shift;
  std::size_t channels;
  std::size_t rows;
  T momentum;
  T epsilon;

  constexpr void operator()(std::size_t, std::size_t begin, std::size_t end) const {
    if (rows == 0) return;
    const T count = static_cast<T>(rows);
    for (std::size_t c = begin; c < end; ++c) {
      const auto [offset, variance] = mean_and_variance(sums, channels, c, count);
      mean[c] = running_mean[c] + offset;
      inverse_deviation[c] = T(1) / std::sqrt(variance + epsilon);
      move_running_statistics(offset, variance, count, momentum, running_mean[c], running_variance[c]);
      scale[c] = gamma[c] * inverse_deviation[c];
      shift[c] = beta[c] - mean[c] * scale[c];
    }
  }
};

/// The arrays that the gradients of y = f(z), z = u scale + shift, are computed from.
template <class T, class Function = identity_function>
struct normalized {
  const T* u;
  const T* dy;
  const T* mean;
  const T* inverse_deviation;
  const T* scale;
  const T* shift;
  std::size_t channels;
  Function function{};
};

// In `slope * error`, the slope comes first (activate_gradient).

/// Sums for the gradient: sums[0][c] += dz,  sums[1][c] += dz xhat,  dz = dy f'(z),  xhat = (u - mean) / deviation
template <class T, class Function = identity_function>
struct normalization_sums {
  normalized<T, Function> norm;

  constexpr std::array<T, 2> terms(std::size_t row, std::size_t c) const {
    const T value = norm.u[row * norm.channels + c];
    const T dz = norm.function.slope_at(value * norm.scale[c] + norm.shift[c]) * norm.dy[row * norm.channels + c];
    return {dz, dz * (value - norm.mean[c]) * norm.inverse_deviation[c]};
  }
  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end, T* sums) const {
    add_row_terms(*this, row, begin, end, norm.channels, sums);
  }
};

/// Gradients with respect to gamma and beta from the sums of normalization_sums.
template <class T>
struct normalization_parameters {
  const T* sums;
  T* gamma_gradient;
  T* beta_gradient;
  std::size_t channels;

  constexpr void operator()(std::size_t, std::size_t begin, std::size_t end) const {
    for (std::size_t c = begin; c < end; ++c) {
      gamma_gradient[c] = sums[channels + c];
      beta_gradient[c] = sums[c];
    }
  }
};

/// Gradient with respect to u: du = scale (dz - sum dz / P - xhat sum(dz xhat) / P), with scale = gamma / deviation; du
/// may be dy.
template <class T, class Function = identity_function>
struct normalization_gradient {
  using scalar = T;
  normalized<T, Function> norm;
  T* du;
  const T* sums;
  T inv_count;  ///< 1 / P

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    const T* in = norm.u + row * norm.channels;
    const T* dy = norm.dy + row * norm.channels;
    T* out = du + row * norm.channels;
    const T factor = inv_count;
    const Function function = norm.function;
    LOCALIS_VECTORIZE
    for (std::size_t c = begin; c < end; ++c) {
      const T dz = function.slope_at(in[c] * norm.scale[c] + norm.shift[c]) * dy[c];
      const T xhat = (in[c] - norm.mean[c]) * norm.inverse_deviation[c];
      out[c] = norm.scale[c] * (dz - factor * (sums[c] + xhat * sums[norm.channels + c]));
    }
  }

  [[nodiscard]] constexpr bool packs(std::size_t size) const { return norm.channels % size == 0; }
  template <std::size_t N>
  constexpr void packed(std::uint32_t row, std::uint32_t begin) const {
    const std::uint64_t i = std::uint64_t{row} * norm.channels + begin;
    const pack<T, N> values = load_pack<N>(norm.u + i);
    const pack<T, N> factor = load_pack<N>(norm.scale + begin);
    const pack<T, N> offset = load_pack<N>(norm.shift + begin);
    const pack<T, N> mean = load_pack<N>(norm.mean + begin);
    const pack<T, N> inverse = load_pack<N>(norm.inverse_deviation + begin);
    const pack<T, N> sum = load_pack<N>(sums + begin);
    const pack<T, N> product = load_pack<N>(sums + norm.channels + begin);
    pack<T, N> gradient = load_pack<N>(norm.dy + i);
    for (std::size_t k = 0; k < N; ++k) {
      const T dz = gradient[k] * norm.function.slope_at(values[k] * factor[k] + offset[k]);
      const T xhat = (values[k] - mean[k]) * inverse[k];
      gradient[k] = factor[k] * (dz - inv_count * (sum[k] + xhat * product[k]));
    }
    store_pack(gradient, du + i);
  }
};

}  // namespace localis::kernel
