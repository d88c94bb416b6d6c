#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include <localis/config.hpp>
#include <localis/core/unlabelled.hpp>
#include <localis/math/mean.hpp>
#include <localis/math/team.hpp>

/// The arithmetic of rules that compare the samples of a batch in pairs (rule/similarity_error.hpp).
namespace localis::kernel {

/// The extents of the groups at the output of a stage.
struct group_extents {
  std::size_t channels;   ///< of the output
  std::size_t positions;  ///< of the output
  std::size_t width;      ///< channels of a group

  [[nodiscard]] constexpr std::size_t groups() const { return channels / width; }
  /// The number of values of a group in one sample.
  [[nodiscard]] constexpr std::size_t count() const { return positions * width; }
};

/// The activity of each group in each sample: v = sqrt((sum of (y - mean)^2 + smoothing) / count), with the mean of
/// each group at each of its channels, and the slope s of dv/dy = s (y - mean), 0 where v is 0. In groups of one value,
/// v = y. `work` is memory of the size of `mean`.
///   output: samples x positions x channels;  mean, work: samples x channels;  activity, slope: samples x groups
template <class T>
struct group_activity {
  group_extents extents;
  const T* output;
  T* mean;
  T* work;
  T* activity;
  T* slope;
  T smoothing;

  constexpr void operator()(std::size_t sample, std::size_t begin, std::size_t end) const {
    const std::size_t channels = extents.channels;
    const std::size_t width = extents.width;
    const std::size_t first = begin * width;
    const std::size_t last = end * width;
    const T* y = output + sample * extents.positions * channels;
    T* v = activity + sample * extents.groups();
    T* s = slope + sample * extents.groups();
    if (extents.count() == 1) {
      for (std::size_t g = begin; g < end; ++g) {
        v[g] = y[g];
        s[g] = T(1);
      }
      return;
    }
    T* m = mean + sample * channels;
    T* squares = work + sample * channels;
    for (std::size_t c = first; c < last; ++c) m[c] = squares[c] = T(0);
    for (std::size_t p = 0; p < extents.positions; ++p) {
      const T* row = y + p * channels;
      LOCALIS_VECTORIZE
      for (std::size_t c = first; c < last; ++c) m[c] += row[c];
    }
    const T inv_count = T(1) / static_cast<T>(extents.count());
    for (std::size_t c = first; c < last; c += width) {
      const T group_mean = inv_count * math::sum_of<T>(width, [m, c](std::size_t k) { return m[c + k]; });
      for (std::size_t k = 0; k < width; ++k) m[c + k] = group_mean;
    }
    for (std::size_t p = 0; p < extents.positions; ++p) {
      const T* row = y + p * channels;
      LOCALIS_VECTORIZE
      for (std::size_t c = first; c < last; ++c) squares[c] += (row[c] - m[c]) * (row[c] - m[c]);
    }
    for (std::size_t g = begin; g < end; ++g) {
      const T sum = math::sum_of<T>(width, [=](std::size_t k) { return squares[g * width + k]; });
      const T deviation = std::sqrt(inv_count * (sum + smoothing));
      v[g] = deviation;
      s[g] = deviation == T(0) ? T(0) : inv_count / deviation;
    }
  }
};

/// Centres the activities of a sample and divides them by their norm, which it stores; 0 where the norm is 0.
///   activity: samples x groups, in place;  norms: samples
template <class T>
struct center_and_normalize {
  T* activity;
  T* norms;
  std::size_t groups;

  template <class Team = math::team_of_one>
  constexpr void operator()(std::size_t sample, const Team& team = {}) const {
    T* v = activity + sample * groups;
    const T mean = math::mean_of<T>(v, groups, team);
    const T squares = math::sum_of<T>(
        groups, [=](std::size_t g) { return (v[g] - mean) * (v[g] - mean); }, team);
    const T norm = std::sqrt(squares);
    const T factor = norm == T(0) ? T(0) : T(1) / norm;
    LOCALIS_VECTORIZE
    for (std::size_t g = team.lane(); g < groups; g += team.lanes()) v[g] = factor * (v[g] - mean);
    if (math::owns(team, 0)) norms[sample] = norm;
  }
};

/// The similarity of two labels: the cosine of centred one-hot vectors.
template <class T>
struct label_similarity {
  T other;  ///< -1 / (classes - 1), that of two classes

  constexpr T operator()(std::uint32_t a, std::uint32_t b) const { return a == b ? T(1) : other; }
};

/// Sums of K and of the similarity of labels over the labelled samples of a row; 0 for a sample without a label.
///   similarity: samples x samples;  sums: 2 x samples
template <class T>
struct pair_sums {
  const T* similarity;
  const std::uint32_t* labels;
  std::size_t samples;
  label_similarity<T> wanted;
  T* sums;

  template <class Team = math::team_of_one>
  constexpr void operator()(std::size_t row, const Team& team = {}) const {
    const T* k = similarity + row * samples;
    const std::uint32_t* other = labels;
    const label_similarity<T> like = wanted;
    const std::uint32_t own = labels[row];
    const bool labelled = own != data::unlabelled;
    const T found = math::sum_of<T>(
        samples, [=](std::size_t m) { return labelled && other[m] != data::unlabelled ? k[m] : T(0); }, team);
    const T asked = math::sum_of<T>(
        samples, [=](std::size_t m) { return labelled && other[m] != data::unlabelled ? like(own, other[m]) : T(0); },
        team);
    if (!math::owns(team, 0)) return;
    sums[row] = found;
    sums[samples + row] = asked;
  }
};

/// The means of K and of the similarity of labels over all pairs of labelled samples; one row.
///   sums: 2 x samples;  means: 2
template <class T>
struct pair_means {
  const T* sums;
  std::size_t samples;
  T inv_pairs;  ///< 1 / number of pairs
  T* means;

  template <class Team = math::team_of_one>
  constexpr void operator()(std::size_t, const Team& team = {}) const {
    for (std::size_t i = 0; i < 2; ++i) {
      const T* values = sums + i * samples;
      const T sum = math::sum_of<T>(
          samples, [=](std::size_t m) { return values[m]; }, team);
      if (math::owns(team, 0)) means[i] = inv_pairs * sum;
    }
  }
};

/// Replaces K by twice the derivative of the loss by K, since K is symmetric; 0 for samples without a label.
///   similarity: samples x samples
template <class T, class Rule>
struct pair_errors {
  Rule rule;
  T* similarity;
  const std::uint32_t* labels;
  std::size_t samples;
  label_similarity<T> wanted;
  const T* means;  ///< of K, and of the similarity of labels
  T scale;         ///< 2 / number of pairs

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    T* k = similarity + row * samples;
    const std::uint32_t own = labels[row];
    for (std::size_t m = begin; m < end; ++m) {
      const bool counts = own != data::unlabelled && labels[m] != data::unlabelled;
      k[m] = counts ? scale * rule.template pair_slope<T>(k[m], wanted(own, labels[m]), means[0], means[1]) : T(0);
    }
  }
};

/// The gradient of the loss by the activities, from that by the normalized ones: dv = (I - n n^T) dn / norm, less its
/// mean over the groups, times the slope of the activity; 0 where the norm is 0.
///   normalized, slope: samples x groups;  gradient: samples x groups, in place
template <class T>
struct center_and_normalize_gradient {
  const T* normalized;
  const T* norms;
  const T* slope;
  T* gradient;
  std::size_t groups;

  template <class Team = math::team_of_one>
  constexpr void operator()(std::size_t sample, const Team& team = {}) const {
    const T* n = normalized + sample * groups;
    const T* s = slope + sample * groups;
    T* d = gradient + sample * groups;
    const T norm = norms[sample];
    const T factor = norm == T(0) ? T(0) : T(1) / norm;
    const T projection = math::sum_of<T>(
        groups, [=](std::size_t g) { return d[g] * n[g]; }, team);
    const T mean = math::mean_of<T>(static_cast<const T*>(d), groups, team);
    LOCALIS_VECTORIZE
    for (std::size_t g = team.lane(); g < groups; g += team.lanes()) {
      d[g] = factor * (d[g] - mean - projection * n[g]) * s[g];
    }
  }
};

/// The gradient of the loss by the output of the stage: dl/dy = d (y - mean), and d in groups of one value.
///   output, gradient: samples x positions x channels;  mean: samples x channels;  errors: samples x groups
template <class T>
struct group_activity_gradient {
  group_extents extents;
  const T* output;
  const T* mean;
  const T* errors;
  T* gradient;

  constexpr void operator()(std::size_t sample, std::size_t begin, std::size_t end) const {
    const std::size_t channels = extents.channels;
    const T* y = output + sample * extents.positions * channels;
    const T* m = mean + sample * channels;
    const T* d = errors + sample * extents.groups();
    T* out = gradient + sample * extents.positions * channels;
    if (extents.count() == 1) {
      for (std::size_t g = begin; g < end; ++g) out[g] = d[g];
      return;
    }
    for (std::size_t p = 0; p < extents.positions; ++p) {
      const std::size_t row = p * channels;
      for (std::size_t g = begin; g < end; ++g) {
        const T error = d[g];
        for (std::size_t c = g * extents.width; c < (g + 1) * extents.width; ++c) {
          out[row + c] = error * (y[row + c] - m[c]);
        }
      }
    }
  }
};

}  // namespace localis::kernel
