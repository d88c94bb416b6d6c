#pragma once

#include <algorithm>
#include <cstddef>

#include <localis/backend/concept.hpp>
#include <localis/backend/cpu/algorithm.hpp>
#include <localis/backend/cpu/gates.hpp>
#include <localis/backend/cpu/gemm.hpp>
#include <localis/backend/cpu/groups.hpp>
#include <localis/backend/cpu/parallel.hpp>
#include <localis/backend/cpu/resources.hpp>
#include <localis/backend/cpu/thread_sums.hpp>
#include <localis/backend/cpu/tile_epilogue.hpp>
#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/unfold.hpp>

namespace localis::cpu {
inline namespace LOCALIS_CPU_THREADS {

/// Computes convolutions as products with the unfolded input, one tile of rows of X at a time. Takes every map, and
/// provides rules with the rows of X.
template <class T>
struct unfolded_convolution {
  linear_map map;
  resources available;

  static constexpr bool fuses_epilogue = true;
  static constexpr bool fuses_pooling = false;
  [[nodiscard]] static constexpr bool takes(const linear_map&, const resources&) { return true; }

  template <class Epilogue>
  void respond(const response_arguments<T>& forward, workspace scratch, const Epilogue& epilogue) const {
    T* columns = take_columns(scratch);
    const tile_epilogue<T> tail(map, tile_rows(), available.threads, {Epilogue::present, epilogue.pool}, scratch);
    tail.start();
    for_tiles(forward.samples, forward.x, columns, [&](std::size_t thread, range rows, const T* tile) {
      T* u = forward.u + rows.begin * map.outputs();
      grouped_response(map, rows_of(tile, rows.size(), map.seen()), forward.w, u, available.precision);
      tail(thread, rows, u, forward.bias, forward.u, epilogue);
    });
    tail.finish(epilogue);
  }
  void respond_scratch(const epilogue_options& fused, workspace& scratch) const {
    (void)take_columns(scratch);
    (void)tile_epilogue<T>(map, tile_rows(), available.threads, fused, scratch);
  }

  template <class Gate, class Epilogue>
  void respond_and_learn(const response_arguments<T>& forward, const learning_arguments<T, Gate>& learn,
                         workspace scratch, const Epilogue& epilogue) const {
    const std::size_t outputs = map.outputs();
    const std::size_t inputs = map.inputs();
    const learn_options& options = learn.options;
    const learn_arrays arrays(*this, options, scratch);
    const tile_epilogue<T> tail(map, tile_rows(), available.threads, {Epilogue::present, epilogue.pool}, scratch);
    tail.start();
    const std::size_t threads = available.threads_for(map, forward.samples);
    arrays.sums.clear(threads, learn.sums);
    for_tiles(forward.samples, forward.x, arrays.columns, [&](std::size_t thread, range rows, const T* tile) {
      const accumulators<T> sums = arrays.sums.part(thread, learn.sums);
      T* u = forward.u + rows.begin * outputs;
      if (!options.response_is_given) {
        grouped_response(map, rows_of(tile, rows.size(), map.seen()), forward.w, u, available.precision);
      }
      const learned_rows<T> learned = arrays.gates.open(thread, rows, tile, u, learn, sums);
      matrix_view<const T> seen = learned.inputs;
      if (options.sums_inputs) add_column_sums(seen, sums.input);
      if (options.forgetting == mutual_forgetting::remainder) {
        const matrix_view<T> remainder = arrays.gates.remainder(thread, learned);
        seen = {remainder.data, remainder.rows, remainder.columns, remainder.stride};
        subtract_ab<T>(learned.plain, rows_of(forward.w, outputs, inputs), remainder);
      }
      for (std::size_t g = 0; g < map.groups; ++g) {
        sum_gated_inputs<T>(group_units(map, g, learned.gates), group_inputs(map, g, seen),
                            group_weights(map, g, sums.sum), options, kernel::store::add, available.precision);
      }
      tail(thread, rows, u, forward.bias, forward.u, epilogue);
    });
    arrays.sums.add_up(threads, available.threads_for(map.weights()), learn.sums);
    tail.finish(epilogue);
  }
  void learn_scratch(std::size_t, const learn_options& options, const epilogue_options& fused,
                     workspace& scratch) const {
    (void)learn_arrays(*this, options, scratch);
    (void)tile_epilogue<T>(map, tile_rows(), available.threads, fused, scratch);
  }

  void weight_gradient(const weight_gradient_arguments<T>& backward, workspace scratch) const {
    const std::size_t outputs = map.outputs();
    T* columns = take_columns(scratch);
    const thread_sums<T> all(map, {}, available.threads, product_sums::copies, scratch);
    const accumulators<T> result{.sum = backward.dw, .unit = backward.db};
    const std::size_t threads = available.threads_for(map, backward.samples);
    all.clear(threads, result);
    for_tiles(backward.samples, backward.x, columns, [&](std::size_t thread, range rows, const T* tile) {
      const accumulators<T> sums = all.part(thread, result);
      const matrix_view<const T> error = rows_of(backward.d + rows.begin * outputs, rows.size(), outputs);
      for (std::size_t g = 0; g < map.groups; ++g) {
        multiply_atb<T>(group_units(map, g, error), group_inputs(map, g, rows_of(tile, rows.size(), map.seen())),
                        group_weights(map, g, sums.sum), kernel::store::add, available.precision);
      }
      if (backward.db != nullptr) add_column_sums(error, sums.unit);
    });
    all.add_up(threads, available.threads_for(map.weights()), result);
  }
  void weight_gradient_scratch(workspace& scratch) const {
    (void)take_columns(scratch);
    (void)thread_sums<T>(map, {}, available.threads, product_sums::copies, scratch);
  }

  void input_gradient(const input_gradient_arguments<T>& backward, workspace scratch) const {
    const std::size_t outputs = map.outputs();
    T* columns = take_columns(scratch);
    const std::size_t positions = map.out.positions();
    const std::size_t row_limit = tile_rows();
    // Windows of one image overlap, so each image belongs to one thread; small images share a tile.
    const std::size_t images = std::max<std::size_t>(1, row_limit / positions);
    const std::size_t threads = (std::min)(available.threads_for(map, backward.samples), backward.samples);
    parallel_for(threads, [&](std::size_t thread) {
      const range part = part_of(backward.samples, thread, threads);
      T* tile = columns + thread * row_limit * map.seen();
      for (std::size_t first = part.begin; first < part.end; first += images) {
        const std::size_t last = (std::min)(part.end, first + images);
        if (backward.mode == kernel::store::replace) {
          std::fill(backward.dx + first * map.in.size(), backward.dx + last * map.in.size(), T(0));
        }
        for (std::size_t begin = first * positions; begin < last * positions; begin += row_limit) {
          const std::size_t end = (std::min)(last * positions, begin + row_limit);
          const matrix_view<const T> error = rows_of(backward.d + begin * outputs, end - begin, outputs);
          for (std::size_t g = 0; g < map.groups; ++g) {
            multiply_ab<T>(group_units(map, g, error), group_weights(map, g, backward.w),
                           {tile + g * map.inputs(), end - begin, map.inputs(), map.seen()}, kernel::store::replace,
                           available.precision);
          }
          for (std::size_t row = begin; row < end; ++row) {
            kernel::fold_row<T>(map, tile + (row - begin) * map.seen(), row % positions,
                                backward.dx + row / positions * map.in.size());
          }
        }
      }
    });
  }
  void input_gradient_scratch(workspace& scratch) const { (void)take_columns(scratch); }

 private:
  struct learn_arrays {
    T* columns;
    thread_sums<T> sums;
    gate_arrays<T> gates;

    learn_arrays(const unfolded_convolution& self, const learn_options& options, workspace& scratch)
        : columns(self.take_columns(scratch)),
          sums(self.map, options, self.available.threads, product_sums::copies, scratch),
          gates(self.map, options, self.tile_rows(), self.available.threads, scratch) {}
  };

  /// Rows of X in a tile: what fits into tile_bytes. At least 64, or a product would pack W for few rows; at most 1024,
  /// or small inputs would give threads too few tiles. Multiples of 16 are whole blocks of rows of respond_panel, or
  /// nearly so. With half and twice these limits, convolutions of 2 and 4 groups differ in time by less than runs do
  /// (AVX2).
  [[nodiscard]] std::size_t tile_rows() const {
    return std::clamp<std::size_t>(available.tile_bytes / (map.seen() * sizeof(T)), 64, 1024) / 16 * 16;
  }
  /// Takes a tile of the unfolded input for each thread, or returns null if the input needs no unfolding.
  T* take_columns(workspace& scratch) const {
    return map.pointwise() ? nullptr : scratch.take<T>(available.threads * tile_rows() * map.seen());
  }

  /// Calls body(thread, rows, tile) for each tile of X; each thread owns a contiguous range of tiles.
  template <class Body>
  void for_tiles(std::size_t samples, const T* x, T* columns, const Body& body) const {
    const std::size_t row_limit = tile_rows();
    const std::size_t positions = map.out.positions();
    const std::size_t seen = map.seen();
    const std::size_t threads = available.threads_for(map, samples);
    parallel_for(threads, [&](std::size_t thread) {
      const range part = part_of(map.rows(samples), thread, threads, row_limit);
      for (std::size_t begin = part.begin; begin < part.end; begin += row_limit) {
        const range rows{begin, (std::min)(part.end, begin + row_limit)};
        if (map.pointwise()) {
          body(thread, rows, x + rows.begin * seen);
          continue;
        }
        T* tile = columns + thread * row_limit * seen;
        for (std::size_t row = rows.begin; row < rows.end; ++row) {
          kernel::unfold_row<T>(map, x + row / positions * map.in.size(), row % positions,
                                tile + (row - rows.begin) * seen);
        }
        body(thread, rows, static_cast<const T*>(tile));
      }
    });
  }
};

static_assert(linear_algorithm<unfolded_convolution<float>, float>);

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu
