#pragma once

#include <cmath>
#include <cstddef>

#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/kernel/divide.hpp>
#include <localis/math/mean.hpp>
#include <localis/math/team.hpp>

/// Kernels of local contrast normalization. Windows are size x size positions around each position, cut at the border,
/// over all channels. Each row is one position of one sample. A few numbers are stored per position, so that sums over
/// windows cost size^2 per position for any number of channels.
namespace localis::kernel {

/// The positions of the window around a position that lie inside the map; `first` is the row of the first position of
/// the sample.
struct patch {
  std::size_t first;
  std::size_t top;
  std::size_t bottom;
  std::size_t left;
  std::size_t right;

  static constexpr patch centred(const shape& extents, std::size_t size, std::size_t row) {
    const std::size_t reach = size / 2;
    const std::size_t position = divide(row, extents.positions()).remainder;
    const quotient centre = divide(position, extents.width);
    const std::size_t y = centre.whole;
    const std::size_t x = centre.remainder;
    return {row - position, y < reach ? 0 : y - reach, y + reach + 1 < extents.height ? y + reach + 1 : extents.height,
            x < reach ? 0 : x - reach, x + reach + 1 < extents.width ? x + reach + 1 : extents.width};
  }
  [[nodiscard]] constexpr std::size_t positions() const { return (bottom - top) * (right - left); }

  /// Calls f(row) for each position of the patch.
  template <class F>
  constexpr void for_each(const shape& extents, const F& f) const {
    for (std::size_t y = top; y < bottom; ++y) {
      const std::size_t start = first + y * extents.width;
      for (std::size_t row = start + left; row < start + right; ++row) f(row);
    }
  }
};

/// Mean and variance over the channels of each position.
template <class T>
struct position_statistics {
  const T* x;
  T* mean;
  T* variance;
  std::size_t channels;

  template <class Team = math::team_of_one>
  constexpr void operator()(std::size_t row, const Team& team = {}) const {
    const T* in = x + row * channels;
    const T m = math::mean_of(in, channels, team);
    const T squares = math::sum_of<T>(
        channels, [=](std::size_t c) { return (in[c] - m) * (in[c] - m); }, team);
    if (team.lane() != 0) return;
    mean[row] = m;
    variance[row] = squares / static_cast<T>(channels);
  }
};

/// Mean m and 1 / sqrt(v + epsilon) of the window around each position, from the moments of its positions. Moments are
/// taken about the mean of the central position, which bounds the cancellation by a factor of size^2.
template <class T>
struct patch_statistics {
  shape extents;
  std::size_t size;
  const T* position_mean;
  const T* position_variance;
  T* mean;
  T* inverse;
  T epsilon;

  constexpr void operator()(std::size_t row) const {
    const patch window = patch::centred(extents, size, row);
    const T center = position_mean[row];
    T sum = 0;
    T squares = 0;
    window.for_each(extents, [&](std::size_t q) {
      const T offset = position_mean[q] - center;
      sum += offset;
      squares += position_variance[q] + offset * offset;
    });
    const T inv_count = T(1) / static_cast<T>(window.positions());
    const T offset = inv_count * sum;
    const T spread = inv_count * squares - offset * offset;
    mean[row] = center + offset;
    inverse[row] = T(1) / std::sqrt((spread > T(0) ? spread : T(0) * spread) + epsilon);  // keeps NaN
  }
};

/// Normalizes by the statistics of the window: y = (x - m) / sqrt(v + epsilon); y may be x.
template <class T>
struct patch_norm {
  const T* x;
  T* y;
  const T* mean;
  const T* inverse;
  std::size_t channels;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    const T* in = x + row * channels;
    T* out = y + row * channels;
    const T m = mean[row];
    const T r = inverse[row];
    LOCALIS_VECTORIZE
    for (std::size_t c = begin; c < end; ++c) out[c] = (in[c] - m) * r;
  }
};

/// The gradient that the window around p contributes to each of its n_p values x: level_p / s_p + slope_p (x - m_p),
///   level_p = sum_c dy_pc / n_p,  slope_p = sum_c dy_pc (x_pc - m_p) / (s_p^3 n_p),  s = 1 / inverse.
template <class T>
struct patch_norm_coefficients {
  shape extents;
  std::size_t size;
  const T* x;
  const T* dy;
  const T* mean;
  const T* inverse;
  T* level;
  T* slope;

  template <class Team = math::team_of_one>
  constexpr void operator()(std::size_t row, const Team& team = {}) const {
    const std::size_t channels = extents.channels;
    const T* in = x + row * channels;
    const T* d = dy + row * channels;
    const T m = mean[row];
    const T r = inverse[row];
    const T inv_count = T(1) / static_cast<T>(patch::centred(extents, size, row).positions() * channels);
    const T sum = math::sum_of<T>(
        channels, [=](std::size_t c) { return d[c]; }, team);
    const T product = math::sum_of<T>(
        channels, [=](std::size_t c) { return d[c] * ((in[c] - m) * r); }, team);
    if (team.lane() != 0) return;
    level[row] = inv_count * sum;
    slope[row] = inv_count * r * r * product;
  }
};

/// Gradient with respect to x, summed over the windows p that see q; dx may be dy:
///   dx_q = dy_q / s_q - sum_p ( level_p / s_p + slope_p (x_q - m_p) )
/// Windows are symmetric: the windows that contain q are those around the positions in the window of q. For the window
/// around q itself, dy_q - level_q is computed first: this is exactly 0 in a window of one value, where a compiler that
/// fuses dy_q / s_q - level_q / s_q would leave the rounding error of a product.
template <class T>
struct patch_norm_gradient {
  shape extents;
  std::size_t size;
  const T* x;
  const T* dy;
  T* dx;
  const T* position_mean;  ///< x - m_p is split at this mean into two small parts, however far x is from 0
  const T* mean;
  const T* inverse;
  const T* level;
  const T* slope;

  template <class Team = math::team_of_one>
  constexpr void operator()(std::size_t row, const Team& team = {}) const {
    const T center = position_mean[row];
    T shift = 0;
    T slope_sum = 0;
    patch::centred(extents, size, row).for_each(extents, [&](std::size_t p) {
      shift += (p == row ? T(0) : inverse[p] * level[p]) + slope[p] * (center - mean[p]);
      slope_sum += slope[p];
    });
    const T own_level = level[row];
    const T r = inverse[row];
    const T* in = x + row * extents.channels;
    const T* d = dy + row * extents.channels;
    T* out = dx + row * extents.channels;
    LOCALIS_VECTORIZE
    for (std::size_t c = team.lane(); c < extents.channels; c += team.lanes())
      out[c] = r * (d[c] - own_level) - shift - slope_sum * (in[c] - center);
  }
};

}  // namespace localis::kernel
