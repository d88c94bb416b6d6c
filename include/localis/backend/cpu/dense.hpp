#pragma once

#include <algorithm>
#include <cstddef>

#include <localis/backend/concept.hpp>
#include <localis/backend/cpu/algorithm.hpp>
#include <localis/backend/cpu/gates.hpp>
#include <localis/backend/cpu/gemm.hpp>
#include <localis/backend/cpu/parallel.hpp>
#include <localis/backend/cpu/resources.hpp>
#include <localis/backend/cpu/thread_sums.hpp>
#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>

namespace localis::cpu {
inline namespace LOCALIS_CPU_THREADS {

/// Computes dense layers. X needs no unfolding and has few rows, so that threads split the result of a product
/// (gemm.hpp) rather than its sum, and W is not copied as a whole.
template <class T>
struct dense_product {
  linear_map map;
  resources available;

  static constexpr bool fuses_epilogue = false;
  static constexpr bool fuses_pooling = false;
  [[nodiscard]] static constexpr bool takes(const linear_map& map, const resources&) { return map.dense(); }

  template <class Epilogue>
  void respond(const response_arguments<T>& forward, workspace, const Epilogue&) const {
    multiply(forward);
    add_bias(forward);
  }
  void respond_scratch(const epilogue_options&, workspace&) const {}

  template <class Gate, class Epilogue>
  void respond_and_learn(const response_arguments<T>& forward, const learning_arguments<T, Gate>& learn,
                         workspace scratch, const Epilogue&) const {
    const std::size_t outputs = map.outputs();
    const std::size_t inputs = map.inputs();
    const learn_options& options = learn.options;
    const accumulators<T>& sums = learn.sums;
    const gate_arrays<T> gates(map, options, forward.samples, 1, scratch);
    if (!options.response_is_given) multiply(forward);
    thread_sums<T>::clear_others(map, options, sums);
    const learned_rows<T> learned = gates.open(0, {0, forward.samples}, forward.x, forward.u, learn, sums);
    matrix_view<const T> seen = learned.inputs;
    if (options.sums_inputs) add_column_sums(seen, sums.input);
    if (options.forgetting == mutual_forgetting::remainder) {
      const matrix_view<T> remainder = gates.remainder(0, learned);
      seen = {remainder.data, remainder.rows, remainder.columns, remainder.stride};
      available.split_columns(seen.rows * outputs, inputs, [&](range columns) {
        subtract_ab<T>(learned.plain, {forward.w + columns.begin, outputs, columns.size(), inputs},
                       {remainder.data + columns.begin, seen.rows, columns.size(), inputs});
      });
    }
    available.split_columns(seen.rows * outputs, inputs, [&](range columns) {
      sum_gated_inputs<T>(learned.gates, {seen.data + columns.begin, seen.rows, columns.size(), seen.stride},
                          {sums.sum + columns.begin, outputs, columns.size(), inputs}, options, kernel::store::replace,
                          available.precision);
    });
    add_bias(forward);
  }
  void learn_scratch(std::size_t samples, const learn_options& options, const epilogue_options&,
                     workspace& scratch) const {
    (void)gate_arrays<T>(map, options, samples, 1, scratch);
  }

  void weight_gradient(const weight_gradient_arguments<T>& backward, workspace) const {
    const std::size_t outputs = map.outputs();
    const std::size_t inputs = map.inputs();
    available.split_columns(backward.samples * outputs, inputs, [&](range columns) {
      multiply_atb<T>(rows_of(backward.d, backward.samples, outputs),
                      {backward.x + columns.begin, backward.samples, columns.size(), inputs},
                      {backward.dw + columns.begin, outputs, columns.size(), inputs}, kernel::store::replace,
                      available.precision);
    });
    if (backward.db == nullptr) return;
    std::fill(backward.db, backward.db + outputs, T(0));
    add_column_sums(rows_of(backward.d, backward.samples, outputs), backward.db);
  }
  void weight_gradient_scratch(workspace&) const {}

  void input_gradient(const input_gradient_arguments<T>& backward, workspace) const {
    const std::size_t outputs = map.outputs();
    const std::size_t inputs = map.inputs();
    split_longer(
        backward.samples, inputs, 8, 16, available.threads_for(map, backward.samples), [&](range rows, range columns) {
          multiply_ab<T>(rows_of(backward.d + rows.begin * outputs, rows.size(), outputs),
                         {backward.w + columns.begin, outputs, columns.size(), inputs},
                         {backward.dx + rows.begin * inputs + columns.begin, rows.size(), columns.size(), inputs},
                         backward.mode, available.precision);
        });
  }
  void input_gradient_scratch(workspace&) const {}

 private:
  /// Computes U = X W^T. Threads split the longer side of U: its rows in multiples of 8, which are whole blocks of
  /// respond_panel or nearly so, or its units in whole vectors.
  void multiply(const response_arguments<T>& forward) const {
    const std::size_t outputs = map.outputs();
    const std::size_t inputs = map.inputs();
    const std::size_t threads = available.threads_for(map, forward.samples);
    split_longer(forward.samples, outputs, 8, 16, threads, [&](range rows, range columns) {
      multiply_abt<T>(rows_of(forward.x + rows.begin * inputs, rows.size(), inputs),
                      rows_of(forward.w + columns.begin * inputs, columns.size(), inputs),
                      {forward.u + rows.begin * outputs + columns.begin, rows.size(), columns.size(), outputs},
                      kernel::store::replace, available.precision);
    });
  }
  void add_bias(const response_arguments<T>& forward) const {
    if (forward.bias != nullptr) add_to_rows(rows_of(forward.u, forward.samples, map.outputs()), forward.bias);
  }
  /// Calls body(rows, columns) for each thread's part of a result, whose longer side is split in multiples of its
  /// grain.
  template <class Body>
  static void split_longer(std::size_t rows, std::size_t columns, std::size_t row_grain, std::size_t column_grain,
                           std::size_t threads, const Body& body) {
    const bool by_rows = rows >= columns;
    parallel_for(threads, [&](std::size_t thread) {
      const range row_part = by_rows ? part_of(rows, thread, threads, row_grain) : range{0, rows};
      const range column_part = by_rows ? range{0, columns} : part_of(columns, thread, threads, column_grain);
      if (row_part.size() > 0 && column_part.size() > 0) body(row_part, column_part);
    });
  }
};

static_assert(linear_algorithm<dense_product<float>, float>);

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu
