#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include <localis/kernel/reduction.hpp>
#include <localis/kernel/update.hpp>

/// Kernels that work on whole arrays of parameters and gradients between the passes of a step.
namespace localis::kernel {

/// Limits every value of a gradient to [-limit, limit], one part in a call, and sums the squares of what is left. NaN
/// stays NaN.
template <class T>
struct clip_values {
  T* gradient;
  row_split columns;
  T limit;
  double* squares;

  static constexpr reduction kind = reduction::sum;
  constexpr std::array<double, 1> operator()(std::size_t part) const {
    const row_split::place place = columns.split(part);
    T* row = gradient + place.row * columns.columns;
    double sums[row_split::width] = {};
    columns(place, [&](std::size_t column, std::size_t slot) {
      const T g = row[column];
      const T clipped = g > limit ? limit : g < -limit ? -limit : g;
      row[column] = clipped;
      sums[slot] += static_cast<double>(clipped) * static_cast<double>(clipped);
    });
    std::array<double, 1> result{};
    for (const double s : sums) result[0] += s;
    return result;
  }
  constexpr void finish(const std::array<double, 1>& sum) const { *squares = sum[0]; }
};

/// The factor that limits the norm of all gradients: limit / (norm + 1e-6), at most 1.
template <class T>
struct norm_factor {
  const double* squares;  ///< by array
  std::size_t first;      ///< the first array that has a gradient
  std::size_t arrays;
  double limit;
  T* factor;

  constexpr void operator()(std::size_t) const {
    double sum = 0;
    for (std::size_t i = first; i < arrays; ++i) sum += squares[i];
    const double quotient = limit / (std::sqrt(sum) + 1e-6);
    *factor = quotient > 1 ? T(1) : static_cast<T>(quotient);  // NaN stays NaN
  }
};

/// Moves a mean towards one of its terms: mean += part (gradient - mean).
template <class T>
struct add_to_mean {
  const T* gradient;
  T* mean;
  std::size_t columns;
  T part;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    for (std::size_t i = row * columns + begin; i < row * columns + end; ++i) mean[i] += part * (gradient[i] - mean[i]);
  }
};

/// Exchanges two arrays.
template <class T>
struct exchange {
  T* first;
  T* second;
  std::size_t columns;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    for (std::size_t i = row * columns + begin; i < row * columns + end; ++i) {
      const T kept = first[i];
      first[i] = second[i];
      second[i] = kept;
    }
  }
};

/// The share of one rank in an average over ranks: share = weight values, or weight (values + mean^2) of variances,
/// since second moments can be averaged.
template <class T>
struct rank_share {
  const T* values;
  const T* mean;  ///< null unless the values are variances
  T weight;
  T* share;

  constexpr void operator()(std::size_t, std::size_t begin, std::size_t end) const {
    for (std::size_t i = begin; i < end; ++i) {
      const T square = mean == nullptr ? T(0) : mean[i] * mean[i];
      share[i] = weight * (values[i] + square);
    }
  }
};

/// Takes over an average: values = average, or average - mean^2 of variances, whose mean must be an average by now.
template <class T>
struct rank_average {
  const T* average;
  const T* mean;  ///< null unless the values are variances
  T* values;

  constexpr void operator()(std::size_t, std::size_t begin, std::size_t end) const {
    for (std::size_t i = begin; i < end; ++i) {
      values[i] = mean == nullptr ? average[i] : (std::max)(average[i] - mean[i] * mean[i], T(0));
    }
  }
};

}  // namespace localis::kernel
