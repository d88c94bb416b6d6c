#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include <localis/backend/concept.hpp>
#include <localis/backend/thrust/local_sums.hpp>
#include <localis/backend/thrust/loops.hpp>
#include <localis/backend/thrust/product.hpp>
#include <localis/backend/thrust/row_sums.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/elementwise.hpp>
#include <localis/kernel/rows.hpp>
#include <localis/kernel/unfold.hpp>

namespace localis::device {

/// Computes linear maps as products with the unfolded input, one chunk of rows of X at a time. Takes every map.
///
/// X, W, gates and gradients are rounded to Operand for the products with X and W, and for nothing else.
template <class Scalar, class System, class Operand>
struct unfolded_convolution {
  linear_map map;
  const System& system;

  [[nodiscard]] bool takes() const { return true; }

  void respond(const response_arguments<Scalar>& forward, workspace scratch) const {
    Operand* columns = take_columns(forward.samples, scratch);
    const Operand* weights = rounded_weights(forward.w, take_rounded(map.weights(), scratch));
    for_chunks(forward.samples, forward.x, columns, [&](std::size_t first, std::size_t rows, const Operand* tile) {
      multiply_response(rows, {tile, map.seen()}, weights, forward.u + first * map.outputs());
    });
  }
  void respond_scratch(std::size_t samples, workspace& scratch) const {
    (void)take_columns(samples, scratch);
    (void)take_rounded(map.weights(), scratch);
  }

  template <class Gate>
  void respond_and_learn(const response_arguments<Scalar>& forward, const learning_arguments<Scalar, Gate>& learn,
                         workspace scratch) const {
    const learn_options& options = learn.options;
    const bool reweighted = options.signal == gate_signal::reweighted;
    const learn_arrays arrays(*this, forward.samples, options, scratch);
    const Operand* weights = rounded_weights(forward.w, arrays.weights);
    const Operand* h = reweighted ? rounded_weights(learn.h, arrays.h) : nullptr;
    kernel::store mode = kernel::store::replace;
    const auto learn_chunk = [&](std::size_t first, std::size_t rows, const Operand* tile) {
      if (!options.response_is_given) {
        multiply_response(rows, {tile, map.seen()}, weights, forward.u + first * map.outputs());
      }
      const row_stretch learned = learned_rows(options.rows, first, rows);
      if (learned.count == 0) return;
      const strided_rows x{tile + (learned.first - first) * map.seen(), learned.every * map.seen()};
      if (reweighted) multiply_response(learned.count, x, h, arrays.gates.signal_rows());
      const gate_rows<Scalar> opened = arrays.gates.open(system, learn, learned, forward.u, mode, scratch);
      add_sums(learned.count, x, forward.w, options, arrays, opened, learn.sums, mode, scratch);
      mode = kernel::store::add;
    };
    for_chunks(forward.samples, forward.x, arrays.columns, learn_chunk);
    if (mode == kernel::store::replace) clear_sums(system, map, options, learn.sums);
  }
  void learn_scratch(std::size_t samples, const learn_options& options, workspace& scratch) const {
    (void)learn_arrays(*this, samples, options, scratch);
    const std::size_t limit = chunk(samples);
    workspace unit_sums = scratch;
    workspace input_sums = scratch;
    (void)row_sums<Scalar, System>(limit, map.outputs(), options.unit_sums, unit_sums);
    if (options.sums_inputs) (void)row_sums<Scalar, System>(limit, map.seen(), 1, input_sums);
    scratch = larger(unit_sums, input_sums);
  }

  void weight_gradient(const weight_gradient_arguments<Scalar>& backward, workspace scratch) const {
    Operand* columns = take_columns(backward.samples, scratch);
    Operand* gradients = take_rounded(chunk(backward.samples) * map.outputs(), scratch);
    for_chunks(backward.samples, backward.x, columns, [&](std::size_t first, std::size_t rows, const Operand* tile) {
      multiply_sum(rows, rounded_rows({backward.d + first * map.outputs(), map.outputs()}, rows, gradients),
                   {tile, map.seen()}, backward.dw, first > 0 ? kernel::store::add : kernel::store::replace);
    });
  }
  void weight_gradient_scratch(std::size_t samples, workspace& scratch) const {
    (void)take_columns(samples, scratch);
    (void)take_rounded(chunk(samples) * map.outputs(), scratch);
  }

  void input_gradient(const input_gradient_arguments<Scalar>& backward, workspace scratch) const {
    const backward_arrays arrays(*this, backward.samples, scratch);
    const Operand* weights = rounded_weights(backward.w, arrays.weights);
    const std::size_t piece = even_piece(backward.samples, arrays.samples);
    for (std::size_t first = 0; first < backward.samples; first += piece) {
      const std::size_t samples = (std::min)(piece, backward.samples - first);
      const Operand* gradients =
          rounded(backward.d + first * map.out.size(), map.rows(samples), map.outputs(), arrays.gradients);
      Scalar* dx = backward.dx + first * map.in.size();
      if (map.pointwise()) {
        multiply_back(map.rows(samples), gradients, weights, dx, backward.mode);
        continue;
      }
      multiply_back(map.rows(samples), gradients, weights, arrays.columns, kernel::store::replace);
      for_rows(system, samples * map.in.positions(), map.in.channels,
               kernel::fold_rows<Scalar>{map, arrays.columns, dx, backward.mode});
    }
  }
  void input_gradient_scratch(std::size_t samples, workspace& scratch) const {
    (void)backward_arrays(*this, samples, scratch);
  }

 private:
  static constexpr bool rounds = !std::is_same_v<Operand, Scalar>;

  struct strided_rows {
    const Operand* data;
    std::size_t stride;
  };
  struct strided_values {
    const Scalar* data;
    std::size_t stride;
  };
  struct learn_arrays {
    Operand* columns;
    Operand* weights;  ///< this and the next two are null unless operands are rounded
    Operand* h;
    Operand* rounded_gates;
    gate_arrays<Scalar> gates;
    Scalar* remainder;  ///< X - G W

    learn_arrays(const unfolded_convolution& self, std::size_t samples, const learn_options& options,
                 workspace& scratch)
        : columns(self.take_columns(samples, scratch)),
          weights(take_rounded(self.map.weights(), scratch)),
          h(options.signal == gate_signal::reweighted ? take_rounded(self.map.weights(), scratch) : nullptr),
          rounded_gates(take_rounded(self.chunk(samples) * self.map.outputs(), scratch)),
          gates(self.map, options, self.chunk(samples), scratch),
          remainder(options.forgetting == mutual_forgetting::remainder
                        ? scratch.take<Scalar>(self.chunk(samples) * self.map.inputs())
                        : nullptr) {}
  };
  struct backward_arrays {
    std::size_t samples;  ///< number of whole samples in a chunk, because windows of one sample overlap
    Scalar* columns = nullptr;
    Operand* weights = nullptr;
    Operand* gradients = nullptr;

    backward_arrays(const unfolded_convolution& self, std::size_t all, workspace& scratch) : samples(all) {
      if (self.map.pointwise() && !rounds) return;
      samples = std::clamp<std::size_t>(self.chunk(all) / self.map.out.positions(), 1, all);
      if (!self.map.pointwise()) columns = scratch.take<Scalar>(self.map.rows(samples) * self.map.seen());
      weights = take_rounded(self.map.weights(), scratch);
      gradients = take_rounded(samples * self.map.out.size(), scratch);
    }
  };

  /// Adds the contribution of a chunk to all sums except those per unit.
  void add_sums(std::size_t rows, strided_rows x, const Scalar* w, const learn_options& options,
                const learn_arrays& arrays, const gate_rows<Scalar>& opened, const accumulators<Scalar>& sums,
                kernel::store mode, workspace scratch) const {
    const std::size_t outputs = map.outputs();
    const std::size_t inputs = map.inputs();
    arrays.gates.multiply(system, options, rows, opened, sums, mode);
    if (options.sums_inputs) {
      row_sums<Scalar, System>(rows, map.seen(), 1, scratch)(
          system, kernel::column_sums<Scalar, Operand>{x.data, x.stride}, sums.input, mode);
    }
    if (options.forgetting == mutual_forgetting::remainder) {
      for_rows(system, rows, inputs,
               kernel::gather_strided<Operand, Scalar>{x.data, x.stride, arrays.remainder, inputs});
      multiply(system, product<Scalar>{.rows = rows,
                                       .inner = outputs,
                                       .columns = inputs,
                                       .a = {opened.plain, opened.plain_stride},
                                       .b = {w, inputs},
                                       .c = {arrays.remainder, inputs},
                                       .alpha = Scalar(-1),
                                       .beta = Scalar(1)});
      x = {rounded(arrays.remainder, rows, inputs, arrays.columns), inputs};
    }
    multiply_sum(rows, rounded_rows({opened.gates, opened.stride}, rows, arrays.rounded_gates), x, sums.sum, mode);
  }

  // Chunks of rows of X.

  [[nodiscard]] std::size_t chunk(std::size_t samples) const {
    return rows_per_chunk<Scalar, Operand>(system, map, samples);
  }
  Operand* take_columns(std::size_t samples, workspace& scratch) const {
    if (map.pointwise() && !rounds) return nullptr;
    return scratch.take<Operand>(chunk(samples) * map.seen());
  }
  /// Calls body(first, rows, tile) for each chunk of X, where `tile` holds the unfolded inputs of its rows.
  template <class Body>
  void for_chunks(std::size_t samples, const Scalar* x, Operand* columns, const Body& body) const {
    const std::size_t all = map.rows(samples);
    const std::size_t piece = even_piece(all, chunk(samples));
    for (std::size_t first = 0; first < all; first += piece) {
      const std::size_t rows = (std::min)(piece, all - first);
      if (map.pointwise()) {
        body(first, rows, rounded(x + first * map.seen(), rows, map.seen(), columns));
      } else {
        for_rows(system, rows, map.seen(), kernel::unfold_rows<Scalar, Operand>{map, x, columns, first});
        body(first, rows, static_cast<const Operand*>(columns));
      }
    }
  }

  // Operands of products.

  /// Takes an array of `size` rounded values, or returns null if operands are not rounded.
  static Operand* take_rounded(std::size_t size, workspace& scratch) {
    return rounds ? scratch.take<Operand>(size) : nullptr;
  }
  /// Returns the values as products read them: in place, or rounded to Operand in `copy`.
  const Operand* rounded(const Scalar* values, std::size_t rows, std::size_t columns, Operand* copy) const {
    if constexpr (rounds) {
      for_rows(system, rows, columns, kernel::gather_strided<Scalar, Operand>{values, columns, copy, columns});
      return copy;
    } else {
      return values;
    }
  }
  /// Likewise for rows of a value per unit that may lie further apart.
  strided_rows rounded_rows(const strided_values& values, std::size_t rows, Operand* copy) const {
    if constexpr (rounds) {
      for_rows(system, rows, map.outputs(),
               kernel::gather_strided<Scalar, Operand>{values.data, values.stride, copy, map.outputs()});
      return {copy, map.outputs()};
    } else {
      return {values.data, values.stride};
    }
  }
  const Operand* rounded_weights(const Scalar* w, Operand* copy) const {
    return rounded(w, map.outputs(), map.inputs(), copy);
  }

  // Products, batched over groups, which are blocks of columns side by side.

  static constexpr Scalar factor(kernel::store mode) { return Scalar(mode == kernel::store::add ? 1 : 0); }
  [[nodiscard]] std::size_t units() const { return map.outputs() / map.groups; }

  /// Computes u = X W^T.
  void multiply_response(std::size_t rows, const strided_rows& x, const Operand* w, Scalar* u) const {
    multiply(system, product<Scalar, Operand>{.rows = rows,
                                              .inner = map.inputs(),
                                              .columns = units(),
                                              .a = {x.data, x.stride, map.inputs()},
                                              .b = {w, map.inputs(), units() * map.inputs(), layout::transposed},
                                              .c = {u, map.outputs(), units()},
                                              .count = map.groups});
  }
  /// Computes sum = G^T X, or adds G^T X to `sum`, as `mode` says.
  void multiply_sum(std::size_t rows, const strided_rows& gates, const strided_rows& x, Scalar* sum,
                    kernel::store mode) const {
    multiply(system, product<Scalar, Operand>{.rows = units(),
                                              .inner = rows,
                                              .columns = map.inputs(),
                                              .a = {gates.data, gates.stride, units(), layout::transposed},
                                              .b = {x.data, x.stride, map.inputs()},
                                              .c = {sum, map.inputs(), units() * map.inputs()},
                                              .beta = factor(mode),
                                              .count = map.groups});
  }
  /// Computes x = D W, the unfolded input gradient, or adds D W to `x`, as `mode` says.
  void multiply_back(std::size_t rows, const Operand* d, const Operand* w, Scalar* x, kernel::store mode) const {
    multiply(system, product<Scalar, Operand>{.rows = rows,
                                              .inner = units(),
                                              .columns = map.inputs(),
                                              .a = {d, map.outputs(), units()},
                                              .b = {w, map.inputs(), units() * map.inputs()},
                                              .c = {x, map.seen(), map.inputs()},
                                              .beta = factor(mode),
                                              .count = map.groups});
  }
};

}  // namespace localis::device
