#pragma once

#include <array>
#include <cmath>
#include <cstddef>

#include <localis/config.hpp>
#include <localis/kernel/divide.hpp>
#include <localis/kernel/reduction.hpp>

/// The kernels that change weights. Gradient descent and local rules share them.
namespace localis::kernel {

/// The descent direction that a backward pass has stored: g(o, i).
template <class T>
struct gradient_direction {
  const T* gradient;
  std::size_t columns;

  constexpr T operator()(std::size_t row, std::size_t column, T) const { return gradient[row * columns + column]; }
};

/// The descent direction of a local rule, with its sign changed because rules ascend: g = c_o w - sum(o, i) / P.
template <class T>
struct local_direction {
  const T* sum;     ///< G^T X, O x I
  const T* forget;  ///< c of the rule, O values
  T inv_count;      ///< 1 / P
  std::size_t columns;

  constexpr T operator()(std::size_t row, std::size_t column, T weight) const {
    return forget[row] * weight - inv_count * sum[row * columns + column];
  }
};

/// A step size: a value, times optional factors in the backend's memory: one for all rows, which is a gain or norm
/// computed there, and one for each row.
template <class T>
struct rate {
  T value;
  const T* factor = nullptr;
  const T* by_row = nullptr;

  constexpr T get(std::size_t row) const {
    const T all = factor == nullptr ? value : value * *factor;
    return by_row == nullptr ? all : all * by_row[row];
  }
};

/// The division of rows among threads: thread k of the `threads` of a row takes columns k, k + threads, ... A part is
/// the work of one thread on one row; on the CPU a part is a whole row.
struct row_split {
#if defined(__CUDA_ARCH__)
  static constexpr std::size_t width = 1;
#else
  static constexpr std::size_t width = 16;  ///< number of interleaved sums, so that the loop vectorizes
#endif
  std::size_t columns;
  std::size_t threads = 1;

  [[nodiscard]] constexpr std::size_t row_of(std::size_t part) const {
    return threads > 1 ? divide(part, threads).whole : part;
  }
  /// Calls body(row, column, slot) with slot < width.
  template <class Body>
  constexpr void operator()(std::size_t part, const Body& body) const {
    if (threads > 1) {
      const quotient place = divide(part, threads);
      for (std::size_t column = place.remainder; column < columns; column += threads) body(place.whole, column, 0);
      return;
    }
    std::size_t column = 0;
    for (; column + width <= columns; column += width) {
      LOCALIS_VECTORIZE
      for (std::size_t j = 0; j < width; ++j) body(part, column + j, j);
    }
    for (; column < columns; ++column) body(part, column, column % width);
  }
};

/// Updates the weights, one part in a call: W <- constraint(W + step(g)). `step` is an optimizer's arithmetic for one
/// element; `change` gets the sum of squares of the changes, before the constraint, in double, so that it overflows
/// only if a weight does. If threads share a row, `constrain` applies the constraint.
///   weight and each state array: rows x columns
template <class T, class Direction, class Step, class Constraint>
struct apply_update {
  T* weight;
  std::array<T*, Step::state_arrays> state;
  row_split split;
  Direction direction;
  Step step;
  rate<T> step_size;
  Constraint constraint;
  double* change;

  static constexpr reduction kind = reduction::sum;
  constexpr std::array<double, 1> operator()(std::size_t part) const {
    const T size = step_size.get(split.row_of(part));
    double sums[row_split::width] = {};
    split(part, [&](std::size_t row, std::size_t column, std::size_t slot) { sums[slot] += one(row, column, size); });
    double sum = 0;
    for (const double s : sums) sum += s;
    if (split.threads == 1) constraint.apply(weight + part * split.columns, split.columns);
    return {sum};
  }
  constexpr void finish(const std::array<double, 1>& sum) const { *change = sum[0]; }

 private:
  constexpr double one(std::size_t row, std::size_t column, T size) const {
    const std::size_t index = row * split.columns + column;
    std::array<T, Step::state_arrays> memory{};
    for (std::size_t s = 0; s != Step::state_arrays; ++s) memory[s] = state[s][index];
    const T delta = step(weight[index], direction(row, column, weight[index]), memory, size);
    for (std::size_t s = 0; s != Step::state_arrays; ++s) state[s][index] = memory[s];
    weight[index] += delta;
    return static_cast<double>(delta) * static_cast<double>(delta);
  }
};

/// Applies a constraint to each row of the weights: w_o <- constraint(w_o).
template <class T, class Constraint>
struct constrain {
  T* weight;
  std::size_t columns;
  Constraint constraint;

  constexpr void operator()(std::size_t row) const { constraint.apply(weight + row * columns, columns); }
};

/// The factor of a relative step: gain |W| / |g|, or 0 if g is 0. A step of rate r then moves W by the fraction r of
/// its norm. A call takes one part; norms are taken in double.
template <class T, class Direction>
struct relative_factor {
  const T* weight;
  row_split split;
  Direction direction;
  const T* gain;
  T* factor;

  static constexpr reduction kind = reduction::sum;
  /// The squared norms |g|^2 and |w|^2 of a part.
  constexpr std::array<double, 2> operator()(std::size_t part) const {
    double g2[row_split::width] = {};
    double w2[row_split::width] = {};
    split(part, [&](std::size_t row, std::size_t column, std::size_t slot) {
      const T w = weight[row * split.columns + column];
      const auto g = static_cast<double>(direction(row, column, w));
      g2[slot] += g * g;
      w2[slot] += static_cast<double>(w) * static_cast<double>(w);
    });
    std::array<double, 2> norms{};
    for (std::size_t j = 0; j < row_split::width; ++j) {
      norms[0] += g2[j];
      norms[1] += w2[j];
    }
    return norms;
  }
  constexpr void finish(const std::array<double, 2>& norms) const {
    const auto [g2, w2] = norms;
    *factor = g2 == 0 ? T(0) : static_cast<T>(static_cast<double>(*gain) * std::sqrt(w2) / std::sqrt(g2));
  }
};

/// The direction of a step without the rate of the layer: row o of `target` = -g times the rate of that row.
template <class T, class Direction>
struct store_direction {
  const T* weight;
  std::size_t columns;
  Direction direction;
  rate<T> own;
  T* target;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    for (std::size_t column = begin; column < end; ++column) {
      const std::size_t index = row * columns + column;
      target[index] = -own.get(row) * direction(row, column, weight[index]);
    }
  }
};

/// The factor of a step with max_abs_step: gain / max |g|, NaN if any value is NaN, and 0 if g is 0. The largest change
/// of a weight in a step of rate r is then r. A call takes one part.
template <class T, class Direction>
struct peak_factor {
  const T* weight;
  row_split split;
  Direction direction;
  const T* gain;
  T* factor;

  static constexpr reduction kind = reduction::largest;
  constexpr std::array<double, 1> operator()(std::size_t part) const {
    const quotient place = divide(part, split.threads);
    T largest = 0;
    for (std::size_t column = place.remainder; column < split.columns; column += split.threads) {
      const T size = (std::abs)(direction(place.whole, column, weight[place.whole * split.columns + column]));
      if (size > largest || size != size) largest = size;
    }
    return {static_cast<double>(largest)};
  }
  constexpr void finish(const std::array<double, 1>& largest) const {
    *factor = largest[0] == 0 ? T(0) : static_cast<T>(static_cast<double>(*gain) / largest[0]);
  }
};

/// Completes the forget term: forget = forget / P + decay.
template <class T>
struct mean_forget {
  T* forget;
  T inv_count;  ///< 1 / P
  T decay;

  constexpr void operator()(std::size_t, std::size_t begin, std::size_t end) const {
    for (std::size_t o = begin; o < end; ++o) forget[o] = inv_count * forget[o] + decay;
  }
};

/// Sets row o of a square matrix to 0 right of the diagonal.
template <class T>
struct lower_triangle {
  T* matrix;
  std::size_t columns;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    for (std::size_t k = begin > row ? begin : row + 1; k < end; ++k) matrix[row * columns + k] = T(0);
  }
};

/// Scales: target = scale * source.
template <class T>
struct scaled {
  const T* source;
  T* target;
  T scale;

  constexpr void operator()(std::size_t, std::size_t begin, std::size_t end) const {
    for (std::size_t i = begin; i < end; ++i) target[i] = scale * source[i];
  }
};

/// Subtracts a product of rank one: row o of c -= a_o b, with one b for each group of rows.
template <class T>
struct subtract_rank_one {
  const T* a;  ///< one value per row
  const T* b;  ///< groups x columns
  T* c;
  std::size_t columns;
  std::size_t rows_of_group;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    const T* of_group = b + divide(row, rows_of_group).whole * columns;
    LOCALIS_VECTORIZE
    for (std::size_t i = begin; i < end; ++i) c[row * columns + i] -= a[row] * of_group[i];
  }
};

/// Updates an average by the mean of a batch: average += part (inv_count sum - average).
template <class T>
struct update_running_mean {
  const T* sum;
  T* average;
  T inv_count;  ///< 1 / P
  T part;

  constexpr void operator()(std::size_t, std::size_t begin, std::size_t end) const {
    for (std::size_t o = begin; o < end; ++o) average[o] += part * (inv_count * sum[o] - average[o]);
  }
};

/// Updates the bias as the weight of an input that is always 1: b += eta (sum G / P - c b).
template <class T>
struct update_bias {
  T* bias;
  const T* gates;  ///< sum_p G
  const T* forget;
  T inv_count;  ///< 1 / P
  rate<T> step_size;

  constexpr void operator()(std::size_t, std::size_t begin, std::size_t end) const {
    for (std::size_t o = begin; o < end; ++o)
      bias[o] += step_size.get(o) * (inv_count * gates[o] - forget[o] * bias[o]);
  }
};

/// Counts the rows whose scale 1 - eta c is negative, and sets their scale to 0 if `clip`. A call takes one row.
template <class T>
struct guard_scale {
  T* forget;
  rate<T> step_size;
  bool clip;
  double* clips;

  static constexpr reduction kind = reduction::sum;
  constexpr std::array<double, 1> operator()(std::size_t row) const {
    const T size = step_size.get(row);
    if (!(size * forget[row] > T(1))) return {0};
    if (clip) forget[row] = T(1) / size;
    return {1};
  }
  constexpr void finish(const std::array<double, 1>& count) const { *clips += count[0]; }
};

}  // namespace localis::kernel
