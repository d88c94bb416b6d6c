#pragma once

#include <algorithm>
#include <cstddef>

#include <localis/backend/concept.hpp>
#include <localis/backend/thrust/local_sums.hpp>
#include <localis/backend/thrust/loops.hpp>
#include <localis/backend/thrust/row_sums.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/depthwise.hpp>
#include <localis/kernel/elementwise.hpp>
#include <localis/kernel/rows.hpp>

namespace localis::device {

/// Depthwise convolution, in which each channel is convolved separately, computed element by element: nothing is
/// unfolded, and nothing is rounded to Operand.
template <class Scalar, class System, class Operand>
struct depthwise_convolution {
  linear_map map;
  const System& system;

  [[nodiscard]] bool takes() const { return map.depthwise(); }

  void respond(const response_arguments<Scalar>& forward, workspace) const {
    respond_rows({0, 1, map.rows(forward.samples)}, forward.x, forward.w, forward.u);
  }
  void respond_scratch(std::size_t, workspace&) const {}

  template <class Gate>
  void respond_and_learn(const response_arguments<Scalar>& forward, const learning_arguments<Scalar, Gate>& learn,
                         workspace scratch) const {
    const learn_options& options = learn.options;
    const std::size_t rows = map.rows(forward.samples);
    const std::size_t limit = chunk(forward.samples);
    const learn_arrays arrays(*this, limit, options, scratch);
    kernel::store mode = kernel::store::replace;
    const std::size_t piece = even_piece(rows, limit);
    for (std::size_t first = 0; first < rows; first += piece) {
      const row_stretch all{first, 1, (std::min)(piece, rows - first)};
      if (!options.response_is_given) {
        respond_rows(all, forward.x, forward.w, forward.u + first * map.outputs());
      }
      const row_stretch learned = learned_rows(options.rows, first, all.count);
      if (learned.count == 0) continue;
      if (options.signal == gate_signal::reweighted) {
        respond_rows(learned, forward.x, learn.h, arrays.gates.signal_rows());
      }
      const gate_rows<Scalar> opened = arrays.gates.open(system, learn, learned, forward.u, mode, scratch);
      sum_products(learned, forward.x, opened.gates, opened.stride, arrays.cells, learn.sums.sum, mode, scratch);
      if (options.sums_inputs) {
        sum_products(learned, forward.x, nullptr, 0, arrays.cells, learn.sums.input, mode, scratch);
      }
      mode = kernel::store::add;
    }
    if (mode == kernel::store::replace) clear_sums(system, map, options, learn.sums);
  }
  void learn_scratch(std::size_t samples, const learn_options& options, workspace& scratch) const {
    const std::size_t limit = chunk(samples);
    (void)learn_arrays(*this, limit, options, scratch);
    workspace unit_sums = scratch;
    workspace products = scratch;
    (void)row_sums<Scalar, System>(limit, map.outputs(), options.unit_sums, unit_sums);
    (void)row_sums<Scalar, System>(limit, map.weights(), 1, products);
    scratch = larger(unit_sums, products);
  }

  void weight_gradient(const weight_gradient_arguments<Scalar>& backward, workspace scratch) const {
    Scalar* cells = scratch.take<Scalar>(map.weights());
    sum_products({0, 1, map.rows(backward.samples)}, backward.x, backward.d, map.outputs(), cells, backward.dw,
                 kernel::store::replace, scratch);
  }
  void weight_gradient_scratch(std::size_t samples, workspace& scratch) const {
    (void)scratch.take<Scalar>(map.weights());
    (void)row_sums<Scalar, System>(map.rows(samples), map.weights(), 1, scratch);
  }

  void input_gradient(const input_gradient_arguments<Scalar>& backward, workspace) const {
    for_rows(system, backward.samples * map.in.positions(), map.outputs(),
             kernel::depthwise_input_gradient<Scalar>{map, backward.d, backward.w, backward.dx, backward.mode});
  }
  void input_gradient_scratch(std::size_t, workspace&) const {}

 private:
  struct learn_arrays {
    gate_arrays<Scalar> gates;
    Scalar* cells;  ///< scratch of sum_products, I x C

    learn_arrays(const depthwise_convolution& self, std::size_t rows, const learn_options& options, workspace& scratch)
        : gates(self.map, options, rows, scratch), cells(scratch.take<Scalar>(self.map.weights())) {}
  };

  [[nodiscard]] std::size_t chunk(std::size_t samples) const {
    return rows_per_chunk<Scalar, Operand>(system, map, samples);
  }
  /// Computes u = X W^T for the given rows of X.   u: rows.count x C
  void respond_rows(const row_stretch& rows, const Scalar* x, const Scalar* w, Scalar* u) const {
    for_rows(system, rows.count, map.outputs(),
             kernel::depthwise_response<Scalar>{map, x, w, u, rows.first, rows.every});
  }
  /// Stores D^T X over the given rows of X in `sum`, or adds it, as `mode` says; if d is null, all values of D are 1.
  /// d: rows.count rows of C values that lie `stride` values apart,  cells: scratch, I x C
  void sum_products(const row_stretch& rows, const Scalar* x, const Scalar* d, std::size_t stride, Scalar* cells,
                    Scalar* sum, kernel::store mode, workspace scratch) const {
    row_sums<Scalar, System>(rows.count, map.weights(), 1, scratch)(
        system, kernel::depthwise_products<Scalar>{map, x, d, stride, rows.first, rows.every}, cells);
    for_rows(system, map.outputs(), map.inputs(),
             kernel::transposed<Scalar>{cells, map.outputs(), sum, map.inputs(), mode});
  }
};

}  // namespace localis::device
