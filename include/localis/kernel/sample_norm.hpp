#pragma once

#include <cmath>
#include <cstddef>

#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/math/mean.hpp>
#include <localis/math/team.hpp>

/// Kernels that normalize each sample by itself: over all its values (layer_norm), or over each of its channels
/// (instance_norm).
///
///   y = gamma xhat + beta,     xhat = (x - mean) inverse,  inverse = 1 / sqrt(variance + epsilon)
///
/// mean, inverse and sums are samples x channels; for layer_norm they are equal in all channels of a sample, so both
/// layers share the kernels. gamma and beta have one value per channel; if they are null, gamma is 1 and beta is 0.
/// Each row is one sample. Means are computed relative to a value of the row and variances from deviations, which is
/// exact if all values are equal, and free of cancellation.
namespace localis::kernel {

/// Mean and 1 / sqrt(variance + epsilon) over all values of each sample, stored for each of its channels.
template <class T>
struct whole_statistics {
  shape extents;
  const T* x;
  T* mean;
  T* inverse;
  T epsilon;

  template <class Team = math::team_of_one>
  constexpr void operator()(std::size_t sample, const Team& team = {}) const {
    const std::size_t size = extents.size();
    const T* in = x + sample * size;
    const T m = math::mean_of(in, size, team);
    const auto square = [=](std::size_t i) { return (in[i] - m) * (in[i] - m); };
    const T variance = math::sum_of<T>(size, square, team) / static_cast<T>(size);
    const T r = T(1) / std::sqrt(variance + epsilon);
    for (std::size_t c = team.lane(); c < extents.channels; c += team.lanes()) {
      mean[sample * extents.channels + c] = m;
      inverse[sample * extents.channels + c] = r;
    }
  }
};

/// Mean and 1 / sqrt(variance + epsilon) of each channel of each sample.
template <class T>
struct channel_statistics {
  shape extents;
  const T* x;
  T* mean;
  T* inverse;
  T epsilon;

  constexpr void operator()(std::size_t sample, std::size_t begin, std::size_t end) const {
    const std::size_t channels = extents.channels;
    const T* first = x + sample * extents.size();
    const T* limit = first + extents.size();
    T* m = mean + sample * channels;
    T* r = inverse + sample * channels;
    const T inv_count = T(1) / static_cast<T>(extents.positions());
    for (std::size_t c = begin; c < end; ++c) m[c] = r[c] = T(0);
    for (const T* in = first; in != limit; in += channels) {
      LOCALIS_VECTORIZE
      for (std::size_t c = begin; c < end; ++c) m[c] += in[c] - first[c];
    }
    for (std::size_t c = begin; c < end; ++c) m[c] = first[c] + inv_count * m[c];
    for (const T* in = first; in != limit; in += channels) {
      LOCALIS_VECTORIZE
      for (std::size_t c = begin; c < end; ++c) r[c] += (in[c] - m[c]) * (in[c] - m[c]);
    }
    for (std::size_t c = begin; c < end; ++c) r[c] = T(1) / std::sqrt(inv_count * r[c] + epsilon);
  }
};

/// Normalizes: y = gamma xhat + beta; y may be x.
template <class T>
struct sample_norm {
  shape extents;
  const T* x;
  T* y;
  const T* mean;
  const T* inverse;
  const T* gamma;
  const T* beta;

  constexpr void operator()(std::size_t sample, std::size_t begin, std::size_t end) const {
    const std::size_t channels = extents.channels;
    const T* m = mean + sample * channels;
    const T* r = inverse + sample * channels;
    for (std::size_t offset = sample * extents.size(); offset < (sample + 1) * extents.size(); offset += channels) {
      const T* in = x + offset;
      T* out = y + offset;
      if (gamma == nullptr) {
        LOCALIS_VECTORIZE
        for (std::size_t c = begin; c < end; ++c) out[c] = (in[c] - m[c]) * r[c];
      } else {
        LOCALIS_VECTORIZE
        for (std::size_t c = begin; c < end; ++c) out[c] = gamma[c] * ((in[c] - m[c]) * r[c]) + beta[c];
      }
    }
  }
};

/// Sums for the gradient, for each sample and channel: level = sum over positions of dy, slope = sum over positions of
/// dy xhat.
template <class T>
struct sample_norm_sums {
  shape extents;
  const T* x;
  const T* dy;
  const T* mean;
  const T* inverse;
  T* level;
  T* slope;

  constexpr void operator()(std::size_t sample, std::size_t begin, std::size_t end) const {
    const std::size_t channels = extents.channels;
    const T* m = mean + sample * channels;
    const T* r = inverse + sample * channels;
    T* sum = level + sample * channels;
    T* product = slope + sample * channels;
    for (std::size_t c = begin; c < end; ++c) sum[c] = product[c] = T(0);
    for (std::size_t offset = sample * extents.size(); offset < (sample + 1) * extents.size(); offset += channels) {
      const T* in = x + offset;
      const T* d = dy + offset;
      LOCALIS_VECTORIZE
      for (std::size_t c = begin; c < end; ++c) {
        sum[c] += d[c];
        product[c] += d[c] * ((in[c] - m[c]) * r[c]);
      }
    }
  }
};

/// Gradients of gamma and beta: total = sum over samples of `parts`, which is samples x channels.
template <class T>
struct sum_of_samples {
  const T* parts;
  T* total;
  std::size_t samples;
  std::size_t channels;

  constexpr void operator()(std::size_t, std::size_t begin, std::size_t end) const {
    for (std::size_t c = begin; c < end; ++c) total[c] = T(0);
    for (std::size_t n = 0; n < samples; ++n) {
      LOCALIS_VECTORIZE
      for (std::size_t c = begin; c < end; ++c) total[c] += parts[n * channels + c];
    }
  }
};

/// Weights an array of sums by gamma, in place: s_c <- gamma_c s_c / (H W) if `by_channel`, else s_c <- sum_k gamma_k
/// s_k / (H W C).
template <class T>
struct weigh_sums {
  shape extents;
  bool by_channel;
  const T* gamma;
  T* sums;

  template <class Team = math::team_of_one>
  constexpr void operator()(std::size_t sample, const Team& team = {}) const {
    T* s = sums + sample * extents.channels;
    const T* weight = gamma;
    const T inv_count = T(1) / static_cast<T>(by_channel ? extents.positions() : extents.size());
    LOCALIS_VECTORIZE
    for (std::size_t c = team.lane(); c < extents.channels; c += team.lanes())
      s[c] *= weight == nullptr ? inv_count : inv_count * weight[c];
    if (by_channel) return;
    const T all = math::sum_of<T>(
        extents.channels, [=](std::size_t c) { return s[c]; }, team);
    for (std::size_t c = team.lane(); c < extents.channels; c += team.lanes()) s[c] = all;
  }
};

/// Gradient with respect to x: dx = inverse (gamma dy - level - xhat slope), where weigh_sums has weighted level and
/// slope; dx may be dy.
template <class T>
struct sample_norm_gradient {
  shape extents;
  const T* x;
  const T* dy;
  T* dx;
  const T* mean;
  const T* inverse;
  const T* gamma;
  const T* level;
  const T* slope;

  constexpr void operator()(std::size_t sample, std::size_t begin, std::size_t end) const {
    const std::size_t channels = extents.channels;
    const T* m = mean + sample * channels;
    const T* r = inverse + sample * channels;
    const T* sum = level + sample * channels;
    const T* product = slope + sample * channels;
    for (std::size_t offset = sample * extents.size(); offset < (sample + 1) * extents.size(); offset += channels) {
      const T* in = x + offset;
      const T* d = dy + offset;
      T* out = dx + offset;
      if (gamma == nullptr) {
        LOCALIS_VECTORIZE
        for (std::size_t c = begin; c < end; ++c) out[c] = r[c] * (d[c] - sum[c] - (in[c] - m[c]) * r[c] * product[c]);
      } else {
        LOCALIS_VECTORIZE
        for (std::size_t c = begin; c < end; ++c) {
          out[c] = r[c] * (gamma[c] * d[c] - sum[c] - (in[c] - m[c]) * r[c] * product[c]);
        }
      }
    }
  }
};

}  // namespace localis::kernel
