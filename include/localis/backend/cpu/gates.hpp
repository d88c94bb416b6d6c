#pragma once

#include <algorithm>
#include <cstddef>

#include <localis/backend/concept.hpp>
#include <localis/backend/cpu/algorithm.hpp>
#include <localis/backend/cpu/gemm.hpp>
#include <localis/backend/cpu/groups.hpp>
#include <localis/backend/cpu/parallel.hpp>
#include <localis/backend/cpu/resources.hpp>
#include <localis/backend/cpu/window_products.hpp>
#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>

namespace localis::cpu {
inline namespace LOCALIS_CPU_THREADS {

/// The rows that a rule learns from among some rows of X, and their gates.
template <class T>
struct learned_rows {
  matrix_view<const T> gates;   ///< contiguous, one row for each learned row
  matrix_view<const T> plain;   ///< gates without the modulator
  matrix_view<const T> inputs;  ///< the learned rows of X; empty if X is not unfolded
  std::size_t start;            ///< index of the first learned row among all given rows
};

/// The gates of each thread, and the other arrays that a learning pass computes for the rows in the cache of a thread.
template <class T>
class gate_arrays {
 public:
  /// @param rows  largest number of rows that a thread processes at once
  gate_arrays(const linear_map& map, const learn_options& options, std::size_t rows, std::size_t threads,
              workspace& scratch)
      : map_(map), rows_(rows) {
    gates_ = scratch.take<T>(threads * rows * map.outputs());
    if (options.is_modulated) plain_ = scratch.take<T>(threads * rows * map.outputs());
    if (options.signal != gate_signal::response) signals_ = scratch.take<T>(threads * rows * map.outputs());
    if (options.forgetting == mutual_forgetting::remainder) remainder_ = scratch.take<T>(threads * rows * map.inputs());
  }

  /// Computes the gates of those among `rows` that the rule learns from, and adds to all sums of the rule except those
  /// over X.
  ///
  /// @param x     rows of X, from row `rows.begin` on; null if X is not unfolded
  /// @param u     the same rows of U
  /// @param sums  sums of the calling thread
  template <class Gate>
  learned_rows<T> open(std::size_t thread, range rows, const T* x, const T* u, const learning_arguments<T, Gate>& learn,
                       const accumulators<T>& sums) const {
    const learn_options& options = learn.options;
    const std::size_t outputs = map_.outputs();
    const std::size_t width = map_.seen();
    const std::size_t every = options.rows.every;
    const std::size_t skipped = options.rows.count(rows.begin);
    const std::size_t start = options.rows.first + skipped * every - rows.begin;  // may lie beyond the last row
    const std::size_t count = options.rows.count(rows.end) - skipped;
    T* gates = gates_ + thread * rows_ * outputs;
    const matrix_view<const T> gated = rows_of(static_cast<const T*>(gates), count, outputs);
    if (count == 0) return {gated, gated, rows_of(x, 0, width), 0};
    T* plain = options.is_modulated ? plain_ + thread * rows_ * outputs : nullptr;
    const matrix_view<const T> unmodulated =
        options.is_modulated ? rows_of(static_cast<const T*>(plain), count, outputs) : gated;
    const matrix_view<const T> seen =
        x == nullptr ? rows_of(x, 0, width) : matrix_view<const T>{x + start * width, count, width, every * width};
    const matrix_view<const T> all_signals =
        signal_rows(thread, seen, {u + start * outputs, count, outputs, every * outputs}, learn);
    for (std::size_t j = 0; j < count; ++j) {
      const T* signal = all_signals.data + j * all_signals.stride;
      learn.gate.open(rows.begin + start + j * every, 0, outputs, signal, gates + j * outputs,
                      options.is_modulated ? plain + j * outputs : nullptr);
      learn.gate.add(0, outputs, signal, gates + j * outputs, sums.unit);
    }
    if (options.forgetting == mutual_forgetting::matrix) {
      multiply_atb<T>(gated, unmodulated, rows_of(sums.matrix, outputs, outputs), kernel::store::add);
    }
    return {gated, unmodulated, seen, start};
  }

  /// Returns a copy of the learned rows of X, from which the caller subtracts G W.
  [[nodiscard]] matrix_view<T> remainder(std::size_t thread, const learned_rows<T>& learned) const {
    const matrix_view<const T>& x = learned.inputs;
    T* copy = remainder_ + thread * rows_ * map_.inputs();
    for (std::size_t j = 0; j < x.rows; ++j) {
      std::copy(x.data + j * x.stride, x.data + j * x.stride + x.columns, copy + j * x.columns);
    }
    return rows_of(copy, x.rows, x.columns);
  }

 private:
  /// Returns the signals that the gates of the rows see: their response, or another signal if the rule has one.
  template <class Gate>
  matrix_view<const T> signal_rows(std::size_t thread, const matrix_view<const T>& seen,
                                   const matrix_view<const T>& response_rows,
                                   const learning_arguments<T, Gate>& learn) const {
    if (learn.options.signal == gate_signal::response) return response_rows;
    const bool reweighted = learn.options.signal == gate_signal::reweighted;
    const std::size_t outputs = map_.outputs();
    T* other = signals_ + thread * rows_ * outputs;
    if (reweighted) grouped_response(map_, seen, learn.h, other);
    for (std::size_t j = 0; j < response_rows.rows; ++j) {
      T* signal = other + j * outputs;
      learn.gate.see(0, outputs, reweighted ? signal : response_rows.data + j * response_rows.stride, signal);
    }
    return rows_of(static_cast<const T*>(other), response_rows.rows, outputs);
  }

  linear_map map_;
  std::size_t rows_;
  T* gates_ = nullptr;
  T* plain_ = nullptr;  ///< gates without the modulator
  T* signals_ = nullptr;
  T* remainder_ = nullptr;  ///< X - G W
};

/// Computes sum = G^T X or sum += G^T X, as `mode` says. If few gates of a row are nonzero, it adds row by row, because
/// a product would multiply zeros.
template <class T>
void sum_gated_inputs(const matrix_view<const T>& gates, const matrix_view<const T>& x, const matrix_view<T>& sum,
                      const learn_options& options, kernel::store mode, precision operands) {
  if (options.active_gates == 0) {
    multiply_atb<T>(gates, x, sum, mode, operands);
    return;
  }
  if (mode == kernel::store::replace) {
    for (std::size_t o = 0; o < sum.rows; ++o) std::fill_n(sum.data + o * sum.stride, sum.columns, T(0));
  }
  for (std::size_t j = 0; j < x.rows; ++j) {
    const T* row = x.data + j * x.stride;
    direct::for_active(gates.data + j * gates.stride, gates.columns, [&](std::size_t o, T gate) {
      T* target = sum.data + o * sum.stride;
      LOCALIS_VECTORIZE
      for (std::size_t i = 0; i < x.columns; ++i) target[i] += gate * row[i];
    });
  }
}

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu
