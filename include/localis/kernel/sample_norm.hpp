#pragma once

#include <cmath>
#include <cstddef>

#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/kernel/divide.hpp>
#include <localis/math/mean.hpp>
#include <localis/math/team.hpp>

/// Kernels that normalize each sample by itself: over all its values (layer_norm), over groups of its channels
/// (group_norm), or over each of its channels (instance_norm). The first and the last are one group, and as many groups
/// as channels.
///
///   y = gamma xhat + beta,     xhat = (x - mean) inverse,  inverse = 1 / sqrt(variance + epsilon)
///
/// mean, inverse and sums are samples x channels, equal in all channels of a group, so that all layers share the
/// kernels. gamma and beta have one value per channel; if they are null, gamma is 1 and beta is 0. Each row is one
/// sample, or one group of one sample. Means are computed relative to a value of the row and variances from deviations,
/// which is exact if all values are equal, and free of cancellation.
namespace localis::kernel {

/// Mean and 1 / sqrt(variance + epsilon) over each group of channels of each sample, stored for each of these channels.
/// Each row is one group of one sample.
template <class T>
struct group_statistics {
  shape extents;
  std::size_t groups;
  std::size_t width;  ///< channels of a group
  divider by_width;   ///< splits a value of a group into position and channel
  const T* x;
  T* mean;
  T* inverse;
  T epsilon;

  constexpr group_statistics(const shape& of_sample, std::size_t count, const T* input, T* means, T* inverses, T added)
      : extents(of_sample),
        groups(count),
        width(of_sample.channels / count),
        by_width(width),
        x(input),
        mean(means),
        inverse(inverses),
        epsilon(added) {}

  template <class Team = math::team_of_one>
  constexpr void operator()(std::size_t row, const Team& team = {}) const {
    const quotient place = divide(row, groups);
    const T* in = x + place.whole * extents.size() + place.remainder * width;
    if (groups == 1) {
      store(
          row, [=](std::size_t i) { return in[i]; }, team);
      return;
    }
    const divider split = by_width;
    const std::size_t channels = extents.channels;
    const auto value = [=](std::size_t i) {
      const auto offset = split(narrow(i));
      return in[offset.whole * channels + offset.remainder];
    };
    store(row, value, team);
  }

 private:
  template <class Value, class Team>
  constexpr void store(std::size_t row, const Value& value, const Team& team) const {
    const std::size_t size = extents.positions() * width;
    const T m = math::mean_of<T>(size, value, team);
    const auto square = [=](std::size_t i) { return (value(i) - m) * (value(i) - m); };
    const T variance = math::sum_of<T>(size, square, team) / static_cast<T>(size);
    const T r = T(1) / std::sqrt(variance + epsilon);
    for (std::size_t c = team.lane(); c < width; c += team.lanes()) {
      mean[row * width + c] = m;
      inverse[row * width + c] = r;
    }
  }
};

/// Mean and 1 / sqrt(variance + epsilon) of each channel of each sample: group_statistics for groups of one channel, in
/// one pass over neighbouring channels.
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
    LOCALIS_VECTORIZE
    for (std::size_t c = begin; c < end; ++c) m[c] = first[c] + inv_count * m[c];
    for (const T* in = first; in != limit; in += channels) {
      LOCALIS_VECTORIZE
      for (std::size_t c = begin; c < end; ++c) r[c] += (in[c] - m[c]) * (in[c] - m[c]);
    }
    LOCALIS_VECTORIZE
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
      // In one loop, clang would have to compare too many arrays, and leaves it scalar.
      LOCALIS_VECTORIZE
      for (std::size_t c = begin; c < end; ++c) sum[c] += d[c];
      LOCALIS_VECTORIZE
      for (std::size_t c = begin; c < end; ++c) product[c] += d[c] * ((in[c] - m[c]) * r[c]);
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

/// Weights an array of sums by gamma, in place: s_c <- sum over the channels k of the group of gamma_k s_k / (H W times
/// these channels). Each row is one group of one sample. In a group of one channel, gamma is left to
/// sample_norm_gradient.
template <class T>
struct weigh_sums {
  shape extents;
  std::size_t groups;
  const T* gamma;
  T* sums;

  template <class Team = math::team_of_one>
  constexpr void operator()(std::size_t row, const Team& team = {}) const {
    const std::size_t width = divide(extents.channels, groups).whole;
    T* s = sums + row * width;
    const T* weight = gamma == nullptr || width == 1 ? nullptr : gamma + divide(row, groups).remainder * width;
    const T inv_count = T(1) / static_cast<T>(extents.positions() * width);
    LOCALIS_VECTORIZE
    for (std::size_t c = team.lane(); c < width; c += team.lanes())
      s[c] *= weight == nullptr ? inv_count : inv_count * weight[c];
    if (width == 1) return;
    const T all = math::sum_of<T>(
        width, [=](std::size_t c) { return s[c]; }, team);
    for (std::size_t c = team.lane(); c < width; c += team.lanes()) s[c] = all;
  }
};

/// Gradient with respect to x: dx = inverse (gamma dy - level - xhat slope), where weigh_sums has weighted level and
/// slope; dx may be dy. In groups of one channel, gamma is a factor of the whole difference: dy - level is exactly 0 in
/// a group of one value, where a compiler that fuses gamma dy - level would leave the rounding error of a product.
template <class T>
struct sample_norm_gradient {
  shape extents;
  std::size_t groups;
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
      } else if (groups == channels) {
        LOCALIS_VECTORIZE
        for (std::size_t c = begin; c < end; ++c) {
          out[c] = gamma[c] * r[c] * (d[c] - sum[c] - (in[c] - m[c]) * r[c] * product[c]);
        }
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
