#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <localis/config.hpp>
#include <localis/kernel/divide.hpp>
#include <localis/kernel/reduction.hpp>
#include <localis/math/team.hpp>
#include <localis/rule/policy.hpp>

/// The kernels that change weights. Gradient descent and local rules share them.
namespace localis::kernel {

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

// Descent directions. A direction gives one for each row, direction.row(o), which is then called for its elements:
// g(i, w), where w is the weight there.

/// The descent direction that a backward pass has stored: g(o, i), times an optional factor in the backend's memory.
template <class T>
struct gradient_direction {
  const T* gradient;
  std::size_t columns;
  const T* factor = nullptr;

  struct row_type {
    const T* gradient;
    T factor;
    constexpr T operator()(std::size_t column, T) const { return factor * gradient[column]; }
  };
  [[nodiscard]] constexpr row_type row(std::size_t o) const {
    return {gradient + o * columns, factor == nullptr ? T(1) : *factor};
  }
};

/// The descent direction of a local rule, with its sign changed because rules ascend: g = c_o w - sum(o, i) / P, where
/// c_o = forget_o / P + decay is what unit o forgets.
template <class T>
struct local_direction {
  const T* sum;     ///< G^T X, O x I
  const T* forget;  ///< sums of the rule's forget terms, O values
  T inv_count;      ///< 1 / P
  T decay;
  std::size_t columns;

  struct row_type {
    const T* sum;
    T c;
    T inv_count;
    constexpr T operator()(std::size_t column, T weight) const { return c * weight - inv_count * sum[column]; }
  };
  [[nodiscard]] constexpr T c(std::size_t o) const { return inv_count * forget[o] + decay; }
  [[nodiscard]] constexpr row_type row(std::size_t o) const { return {sum + o * columns, c(o), inv_count}; }
};

/// The descent direction of an eligibility trace: g(o, i) = -reward E(o, i).
template <class T>
struct trace_direction {
  const T* trace;  ///< E, O x I
  T reward;
  std::size_t columns;

  struct row_type {
    const T* trace;
    T reward;
    constexpr T operator()(std::size_t column, T) const { return -(reward * trace[column]); }
  };
  [[nodiscard]] constexpr row_type row(std::size_t o) const { return {trace + o * columns, reward}; }
};

/// The direction that an eligibility trace will have after this step: decay E + D, times the reward, with its sign
/// changed.
template <class T, class Direction>
struct next_trace_direction {
  const T* trace;
  T decay;
  Direction plain;  ///< -D
  T reward;
  std::size_t columns;

  struct row_type {
    const T* trace;
    T decay;
    decltype(std::declval<const Direction&>().row(0)) plain;
    T reward;
    constexpr T operator()(std::size_t column, T weight) const {
      return reward * (plain(column, weight) - decay * trace[column]);
    }
  };
  [[nodiscard]] constexpr row_type row(std::size_t o) const {
    return {trace + o * columns, decay, plain.row(o), reward};
  }
};

/// The descent direction of a local rule whose negative scales, 1 - eta_o c_o < 0, are counted and, if `clip`, set to 0
/// by a smaller c_o.
template <class T>
struct guarded_direction {
  local_direction<T> plain;
  rate<T> step_size;
  bool clip;

  [[nodiscard]] constexpr bool is_negative(std::size_t o) const { return step_size.get(o) * plain.c(o) > T(1); }
  [[nodiscard]] constexpr T c(std::size_t o) const {
    return clip && is_negative(o) ? T(1) / step_size.get(o) : plain.c(o);
  }
  [[nodiscard]] constexpr auto row(std::size_t o) const {
    auto result = plain.row(o);
    result.c = c(o);
    return result;
  }
};
template <class Direction>
concept guards_scale = requires(const Direction& direction) {
  direction.is_negative(std::size_t{});
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

  /// The row of a part, and the number of the part in it.
  struct place {
    std::size_t row;
    std::size_t thread;
  };
  [[nodiscard]] constexpr place split(std::size_t part) const {
    if (threads == 1) return {part, 0};
    const quotient parts = divide(part, threads);
    return {parts.whole, parts.remainder};
  }
  /// Calls body(column, slot), with slot < width, for the columns of a part.
  template <class Body>
  constexpr void operator()(const place& part, const Body& body) const {
    if (threads > 1) {
      for (std::size_t column = part.thread; column < columns; column += threads) body(column, 0);
      return;
    }
    std::size_t column = 0;
    for (; column + width <= columns; column += width) {
      LOCALIS_VECTORIZE
      for (std::size_t j = 0; j < width; ++j) body(column + j, j);
    }
    for (; column < columns; ++column) body(column, column % width);
  }
};

/// Updates the weights, one part in a call: W <- constraint(W + step(g)). `step` is an optimizer's arithmetic for one
/// element. `statistics` gets the sum of squares of the changes, before the constraint, in double, so that it overflows
/// only if a weight does; behind it, the rows with a negative scale are counted if the direction guards against them.
/// If threads share a row, `constrain` applies the constraint.
///   weight and each state array: rows x columns
template <class T, class Direction, class Step, class Constraint>
struct apply_update {
  T* weight;
  std::array<T*, Step::state_arrays> state;
  row_split columns;
  Direction direction;
  Step step;
  rate<T> step_size;
  Constraint constraint;
  double* statistics;

  static constexpr reduction kind = reduction::sum;
  using numbers = std::array<double, guards_scale<Direction> ? 2 : 1>;
  constexpr numbers operator()(std::size_t part) const {
    const auto [row, thread] = columns.split(part);
    const std::size_t first = row * columns.columns;
    const auto gradient = direction.row(row);
    const T size = step_size.get(row);
    double sums[row_split::width] = {};
    columns({row, thread}, [&](std::size_t column, std::size_t slot) {
      const std::size_t i = first + column;
      const T delta = change(i, gradient(column, weight[i]), size);
      weight[i] += delta;
      sums[slot] += static_cast<double>(delta) * static_cast<double>(delta);
    });
    numbers result{};
    for (const double s : sums) result[0] += s;
    if constexpr (guards_scale<Direction>) result[1] = thread == 0 && direction.is_negative(row) ? 1 : 0;
    if (columns.threads == 1) constraint.apply(weight + first, columns.columns);
    return result;
  }
  constexpr void finish(const numbers& sum) const {
    statistics[0] = sum[0];
    if constexpr (guards_scale<Direction>) statistics[1] += sum[1];
  }

 private:
  constexpr T change(std::size_t i, T gradient, T size) const {
    std::array<T, Step::state_arrays> memory{};
    for (std::size_t s = 0; s != Step::state_arrays; ++s) memory[s] = state[s][i];
    const T delta = step(weight[i], gradient, memory, size);
    for (std::size_t s = 0; s != Step::state_arrays; ++s) state[s][i] = memory[s];
    return delta;
  }
};

/// Measures an array for an optimizer whose step depends on all of it, one part in a call, and computes the factor on
/// its rate: step.array_rate() of the norms of the weights and of what step.measure() returns. Norms are taken in
/// double.
template <class T, class Direction, class Step>
struct measure_array {
  const T* weight;
  std::array<T*, Step::state_arrays> state;
  row_split columns;
  Direction direction;
  Step step;
  T* factor;

  static constexpr reduction kind = reduction::sum;
  constexpr std::array<double, 2> operator()(std::size_t part) const {
    const row_split::place place = columns.split(part);
    const std::size_t first = place.row * columns.columns;
    const auto gradient = direction.row(place.row);
    double w2[row_split::width] = {};
    double m2[row_split::width] = {};
    columns(place, [&](std::size_t column, std::size_t slot) {
      const std::size_t i = first + column;
      const T w = weight[i];
      std::array<T, Step::state_arrays> memory{};
      for (std::size_t s = 0; s != Step::state_arrays; ++s) memory[s] = state[s][i];
      const auto measured = static_cast<double>(step.measure(w, gradient(column, w), memory));
      for (std::size_t s = 0; s != Step::state_arrays; ++s) state[s][i] = memory[s];
      w2[slot] += static_cast<double>(w) * static_cast<double>(w);
      m2[slot] += measured * measured;
    });
    std::array<double, 2> squares{};
    for (std::size_t j = 0; j < row_split::width; ++j) {
      squares[0] += w2[j];
      squares[1] += m2[j];
    }
    return squares;
  }
  constexpr void finish(const std::array<double, 2>& squares) const {
    *factor = static_cast<T>(step.array_rate(std::sqrt(squares[0]), std::sqrt(squares[1])));
  }
};

/// Applies a constraint to each row of the weights: w_o <- constraint(w_o).
template <class T, class Constraint>
struct constrain {
  T* weight;
  std::size_t columns;
  Constraint constraint;

  template <class Team = math::team_of_one>
  requires math::admitted<Team, rule::has_team_apply<Constraint>>
  constexpr void operator()(std::size_t row, const Team& team = {}) const {
    T* weights = weight + row * columns;
    if constexpr (rule::has_team_apply<Constraint>) {
      constraint.apply(weights, columns, team);
    } else {
      constraint.apply(weights, columns);
    }
  }
};

/// The factor of a relative step: gain |W| / |g|, or 0 if g is 0. A step of rate r then moves W by the fraction r of
/// its norm. A call takes one part; norms are taken in double.
template <class T, class Direction>
struct relative_factor {
  const T* weight;
  row_split columns;
  Direction direction;
  const T* gain;
  T* factor;

  static constexpr reduction kind = reduction::sum;
  /// The squared norms |g|^2 and |w|^2 of a part.
  constexpr std::array<double, 2> operator()(std::size_t part) const {
    const row_split::place place = columns.split(part);
    const auto gradient = direction.row(place.row);
    const T* weights = weight + place.row * columns.columns;
    double g2[row_split::width] = {};
    double w2[row_split::width] = {};
    columns(place, [&](std::size_t column, std::size_t slot) {
      const T w = weights[column];
      const auto g = static_cast<double>(gradient(column, w));
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
    const auto gradient = direction.row(row);
    const T size = own.get(row);
    LOCALIS_VECTORIZE
    for (std::size_t column = begin; column < end; ++column) {
      const std::size_t index = row * columns + column;
      target[index] = -size * gradient(column, weight[index]);
    }
  }
};

/// Moves an eligibility trace: E <- decay E + D, where the direction is -D.
template <class T, class Direction>
struct update_trace {
  const T* weight;
  std::size_t columns;
  Direction direction;
  T decay;
  T* trace;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    const auto plain = direction.row(row);
    LOCALIS_VECTORIZE
    for (std::size_t column = begin; column < end; ++column) {
      const std::size_t index = row * columns + column;
      trace[index] = decay * trace[index] - plain(column, weight[index]);
    }
  }
};

/// The factor of a step with max_abs_step: gain / max |g|, NaN if any value is NaN, and 0 if g is 0. The largest change
/// of a weight in a step of rate r is then r. A call takes one part.
template <class T, class Direction>
struct peak_factor {
  const T* weight;
  row_split columns;
  Direction direction;
  const T* gain;
  T* factor;

  static constexpr reduction kind = reduction::largest;
  constexpr std::array<double, 1> operator()(std::size_t part) const {
    const row_split::place place = columns.split(part);
    const auto gradient = direction.row(place.row);
    const T* weights = weight + place.row * columns.columns;
    // Numbers >= 0 are ordered as their bits are, and NaN lies above all of them.
    using bits = std::conditional_t<sizeof(T) == sizeof(std::int32_t), std::int32_t, std::int64_t>;
    bits largest[row_split::width] = {};
    columns(place, [&](std::size_t column, std::size_t slot) {
      largest[slot] = (std::max)(largest[slot], std::bit_cast<bits>((std::abs)(gradient(column, weights[column]))));
    });
    bits top = 0;
    for (const bits of_slot : largest) top = (std::max)(top, of_slot);
    return {static_cast<double>(std::bit_cast<T>(top))};
  }
  constexpr void finish(const std::array<double, 1>& largest) const {
    *factor = largest[0] == 0 ? T(0) : static_cast<T>(static_cast<double>(*gain) / largest[0]);
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
  std::size_t columns = 0;  ///< of a row, where there are several

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    LOCALIS_VECTORIZE
    for (std::size_t i = row * columns + begin; i < row * columns + end; ++i) target[i] = scale * source[i];
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
    LOCALIS_VECTORIZE
    for (std::size_t o = begin; o < end; ++o) average[o] += part * (inv_count * sum[o] - average[o]);
  }
};

/// Updates the bias as the weight of an input that is always 1: b += eta (sum G / P - c b).
template <class T, class Direction>
struct update_bias {
  T* bias;
  const T* gates;  ///< sum_p G
  Direction direction;
  T inv_count;  ///< 1 / P
  rate<T> step_size;

  constexpr void operator()(std::size_t, std::size_t begin, std::size_t end) const {
    LOCALIS_VECTORIZE
    for (std::size_t o = begin; o < end; ++o)
      bias[o] += step_size.get(o) * (inv_count * gates[o] - direction.c(o) * bias[o]);
  }
};

}  // namespace localis::kernel
