#pragma once

#include <algorithm>
#include <cstddef>

#include <localis/backend/concept.hpp>
#include <localis/backend/cpu/algorithm.hpp>
#include <localis/backend/cpu/bfloat16_products.hpp>
#include <localis/backend/cpu/cells.hpp>
#include <localis/backend/cpu/gates.hpp>
#include <localis/backend/cpu/gemm.hpp>
#include <localis/backend/cpu/panels.hpp>
#include <localis/backend/cpu/parallel.hpp>
#include <localis/backend/cpu/resources.hpp>
#include <localis/backend/cpu/thread_sums.hpp>
#include <localis/backend/cpu/tile_epilogue.hpp>
#include <localis/backend/cpu/unfolded.hpp>
#include <localis/backend/cpu/window_products.hpp>
#include <localis/backend/cpu/windows.hpp>
#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/epilogue.hpp>

namespace localis::cpu {
inline namespace LOCALIS_CPU_THREADS {

/// Convolution without unfolding: windows are read in place from a tile of the input (windows.hpp), and weights and
/// their sums are laid out in panels (panels.hpp). Compared with a product of the unfolded input, this saves unfolding
/// and packing, which cost as much as the product itself if there are few channels.
///
/// Takes convolutions in which all channels go to all units: with groups, products would have few columns, and a dense
/// layer is a single product with large weights and few rows. Responses of small maps and input gradients of strided
/// windows are computed by cells (cells.hpp) where that is faster. Passes that need rows of X, and input gradients of
/// strided windows with few channels or in bfloat16, are left to unfolded_convolution.
template <class T>
struct direct_convolution {
  linear_map map;
  resources available;

  static constexpr bool fuses_epilogue = true;
  static constexpr bool fuses_pooling = true;
  [[nodiscard]] static constexpr bool takes(const linear_map& map, const resources&) {
    return map.groups == 1 && !map.dense();
  }

  template <class Epilogue>
  void respond(const response_arguments<T>& forward, workspace scratch, const Epilogue& epilogue) const {
    if (skips_padding(map.in.channels)) return respond_by_cells(forward, scratch, epilogue);
    const direct::plain_weights<T> weight{forward.w, map.inputs()};
    respond_through(forward, weight, scratch, epilogue, kernel::store::replace);
  }
  void respond_scratch(const epilogue_options& fused, workspace& scratch) const {
    if (skips_padding(map.in.channels)) {
      const cell_arrays arrays(*this, scratch);
      (void)tile_epilogue<T>(map, arrays.tiles.rows, available.threads, fused, scratch);
      return;
    }
    const window_arrays windows(*this, fused.pool, scratch);
    (void)tile_epilogue<T>(map, windows.rows(), available.threads, fused, scratch);
  }

  template <class Gate, class Epilogue>
  void respond_and_learn(const response_arguments<T>& forward, const learning_arguments<T, Gate>& learn,
                         workspace scratch, const Epilogue& epilogue) const {
    const learn_options& options = learn.options;
    if (!reads_windows(options) || options.signal == gate_signal::reweighted) {
      unfolded().respond_and_learn(forward, learn, scratch, epilogue);
      return;
    }
    const std::size_t outputs = map.outputs();
    const std::size_t inputs = map.inputs();
    const learn_arrays arrays(*this, options, epilogue.pool, scratch);
    const tile_epilogue<T> tail(map, arrays.windows.rows(), available.threads, {Epilogue::present, epilogue.pool},
                                scratch);
    tail.start();
    const std::size_t threads = available.threads_for(map, forward.samples);
    arrays.products.sums.clear(threads, learn.sums);
    if (!options.response_is_given) {
      direct::pack(outputs, inputs, direct::plain_weights<T>{forward.w, inputs}, threads, arrays.windows.weights);
    }
    const auto learn_tile = [&](std::size_t thread, range rows, const direct::windows<T>& tile) {
      const accumulators<T> sums = arrays.products.sums.part(thread, learn.sums);
      T* u = tail.response(thread, rows, forward.u);
      if (!options.response_is_given) {
        multiply_weights(tile, arrays.windows.weights, u, kernel::store::replace, nullptr);
      }
      const learned_rows<T> learned = arrays.gates.open(thread, rows, nullptr, u, learn, sums);
      const direct::windows<T> seen = tile.part(learned.start, learned.gates.rows, options.rows.every);
      if (options.sums_inputs) direct::add_inputs(seen, sums.input);
      if (arrays.products.sums.in_panels()) {
        add_product(seen, learned.gates.data, arrays.products.factor(thread), sums.sum);
      } else {
        direct::add_sparse_product(seen, learned.gates.data, outputs, inputs, sums.sum);
      }
      tail(thread, rows, u, forward.bias, forward.u, epilogue);
    };
    for_windows(arrays.windows, forward.samples, forward.x, learn_tile);
    arrays.products.sums.add_up(threads, available.threads_for(map.weights()), learn.sums);
    tail.finish(epilogue);
  }
  void learn_scratch(std::size_t samples, const learn_options& options, const epilogue_options& fused,
                     workspace& scratch) const {
    workspace other = scratch;
    if (reads_windows(options)) {
      const learn_arrays arrays(*this, options, fused.pool, scratch);
      (void)tile_epilogue<T>(map, arrays.windows.rows(), available.threads, fused, scratch);
      if (options.signal != gate_signal::reweighted) return;
    }
    unfolded().learn_scratch(samples, options, fused, other);
    if (other.used() > scratch.used()) scratch = other;
  }

  void weight_gradient(const weight_gradient_arguments<T>& backward, workspace scratch) const {
    const std::size_t outputs = map.outputs();
    const window_arrays windows(*this, 1, scratch);
    const product_arrays products(*this, {}, scratch);
    const accumulators<T> result{.sum = backward.dw, .unit = backward.db};
    const std::size_t threads = available.threads_for(map, backward.samples);
    products.sums.clear(threads, result);
    for_windows(windows, backward.samples, backward.x,
                [&](std::size_t thread, range rows, const direct::windows<T>& tile) {
                  const accumulators<T> sums = products.sums.part(thread, result);
                  const T* error = backward.d + rows.begin * outputs;
                  add_product(tile, error, products.factor(thread), sums.sum);
                  if (backward.db != nullptr) add_column_sums(rows_of(error, rows.size(), outputs), sums.unit);
                });
    products.sums.add_up(threads, available.threads_for(map.weights()), result);
  }
  void weight_gradient_scratch(workspace& scratch) const {
    (void)window_arrays(*this, 1, scratch);
    (void)product_arrays(*this, {}, scratch);
  }

  /// For a stride of 1, computes dX as the response to D of a convolution with W, whose units and channels are
  /// exchanged and whose windows are rotated by 180 degrees; or by cells.
  void input_gradient(const input_gradient_arguments<T>& backward, workspace scratch) const {
    if (adds_gradient_by_cells()) return add_gradient_by_cells(backward, scratch);
    if (!takes_gradient()) {
      unfolded().input_gradient(backward, scratch);
      return;
    }
    const response_arguments<T> turned{.samples = backward.samples, .x = backward.d, .w = backward.w, .u = backward.dx};
    gradient().respond_through(turned, direct::turned_weights<T>{backward.w, map}, scratch, kernel::no_epilogue{},
                               backward.mode);
  }
  void input_gradient_scratch(workspace& scratch) const {
    if (adds_gradient_by_cells()) {
      (void)cell_arrays(*this, scratch);
    } else if (takes_gradient()) {
      (void)window_arrays(gradient(), 1, scratch);
    } else {
      unfolded().input_gradient_scratch(scratch);
    }
  }

 private:
  /// The tiles and packed weights for reading windows in place.
  struct window_arrays {
    linear_map map;
    direct::tiling<T> cut;
    direct::tile_arrays<T> tiles;
    T* weights;  ///< W in panels

    window_arrays(const direct_convolution& self, std::size_t pool, workspace& scratch)
        : map(self.map),
          cut(map, self.available.tile_bytes, pool),
          tiles(map, cut, self.available.threads, scratch),
          weights(scratch.take<T>(direct::panels_size<T>(map.outputs(), map.inputs()))) {}

    /// Returns the largest number of rows of X in a tile.
    [[nodiscard]] std::size_t rows() const { return cut.rows(map); }
  };
  /// The sums and the scratch of a product of D or of gates with windows.
  struct product_arrays {
    thread_sums<T> sums;
    T* factors;  ///< for each thread, the part of D that it multiplies

    product_arrays(const direct_convolution& self, const learn_options& options, workspace& scratch)
        : sums(self.map, options, self.available.threads,
               options.active_gates == 0 ? product_sums::panels : product_sums::copies, scratch),
          factors(sums.in_panels() ? scratch.take<T>(self.available.threads * direct::product_part<T>) : nullptr) {}

    [[nodiscard]] T* factor(std::size_t thread) const { return factors + thread * direct::product_part<T>; }
  };
  struct learn_arrays {
    window_arrays windows;
    product_arrays products;
    gate_arrays<T> gates;

    learn_arrays(const direct_convolution& self, const learn_options& options, std::size_t pool, workspace& scratch)
        : windows(self, pool, scratch),
          products(self, options, scratch),
          gates(self.map, options, windows.rows(), self.available.threads, scratch) {}
  };

  /// The pixels that a cell connects in a tile of each thread.
  struct cell_arrays {
    direct::cell_tiles tiles;
    std::size_t* pixels;

    cell_arrays(const direct_convolution& self, workspace& scratch)
        : tiles(self.map), pixels(scratch.take<std::size_t>(self.available.threads * 2 * tiles.rows)) {}

    [[nodiscard]] direct::cell_pixels part(std::size_t thread) const {
      return {pixels + 2 * thread * tiles.rows, pixels + (2 * thread + 1) * tiles.rows};
    }
  };

  template <class Epilogue>
  void respond_by_cells(const response_arguments<T>& forward, workspace scratch, const Epilogue& epilogue) const {
    const std::size_t outputs = map.outputs();
    const cell_arrays arrays(*this, scratch);
    const tile_epilogue<T> tail(map, arrays.tiles.rows, available.threads, {Epilogue::present, epilogue.pool}, scratch);
    tail.start();
    const std::size_t grain = forward.samples == 1 ? epilogue.pool : map.out.height;
    for_lines(arrays, forward.samples, grain, [&](std::size_t thread, range lines) {
      const range rows{lines.begin * map.out.width, lines.end * map.out.width};
      T* u = tail.response(thread, rows, forward.u);
      std::fill_n(u, rows.size() * outputs, T(0));
      add_cells(arrays, thread, lines, [&](const direct::cell_pixels& found, std::size_t cell) {
        const T* w = forward.w + cell * map.in.channels;
        direct::add_cell<T>(
            {forward.x, found.inputs, map.in.channels}, {u, found.outputs, outputs}, found.count,
            [&](auto vectors, std::size_t begin, std::size_t length, std::size_t first, std::size_t units, T* panel) {
              direct::copy_columns(w + first * map.inputs() + begin, map.inputs(), units, length, vectors, panel);
            });
      });
      tail(thread, rows, u, forward.bias, forward.u, epilogue);
    });
    tail.finish(epilogue);
  }
  void add_gradient_by_cells(const input_gradient_arguments<T>& backward, workspace scratch) const {
    const cell_arrays arrays(*this, scratch);
    for_lines(arrays, backward.samples, map.out.height, [&](std::size_t thread, range lines) {
      const T* errors = backward.d + lines.begin * map.out.width * map.outputs();
      // An image is cleared with its first line.
      const std::size_t first_image = (lines.begin + map.out.height - 1) / map.out.height;
      const std::size_t last_image = (lines.end + map.out.height - 1) / map.out.height;
      if (backward.mode == kernel::store::replace) {
        std::fill(backward.dx + first_image * map.in.size(), backward.dx + last_image * map.in.size(), T(0));
      }
      add_cells(arrays, thread, lines, [&](const direct::cell_pixels& found, std::size_t cell) {
        const T* w = backward.w + cell * map.in.channels;
        direct::add_cell<T>(
            {errors, found.outputs, map.outputs()}, {backward.dx, found.inputs, map.in.channels}, found.count,
            [&](auto vectors, std::size_t begin, std::size_t length, std::size_t first, std::size_t units, T* panel) {
              direct::copy_rows(w + begin * map.inputs() + first, map.inputs(), units, length, vectors, panel);
            });
      });
    });
  }
  /// Calls body(thread, lines) for each tile; each thread owns a contiguous range of lines, a multiple of `grain`.
  template <class Body>
  void for_lines(const cell_arrays& arrays, std::size_t samples, std::size_t grain, const Body& body) const {
    const std::size_t threads = available.threads_for(map, samples);
    parallel_for(threads, [&](std::size_t thread) {
      const range own = part_of(samples * map.out.height, thread, threads, grain);
      for (std::size_t line = own.begin; line < own.end; line += arrays.tiles.lines) {
        body(thread, range{line, (std::min)(line + arrays.tiles.lines, own.end)});
      }
    });
  }
  /// Calls add(pixels, cell) for each cell of the window.
  template <class Add>
  void add_cells(const cell_arrays& arrays, std::size_t thread, range lines, const Add& add) const {
    direct::cell_pixels found = arrays.part(thread);
    for (std::size_t cell = 0; cell < map.field.positions(); ++cell) {
      found.find(map, cell, lines);
      add(found, cell);
    }
  }

  template <class Weight, class Epilogue>
  void respond_through(const response_arguments<T>& forward, const Weight& weight, workspace scratch,
                       const Epilogue& epilogue, kernel::store mode) const {
    const std::size_t outputs = map.outputs();
    const std::size_t threads = available.threads_for(map, forward.samples);
    const window_arrays arrays(*this, epilogue.pool, scratch);
    const tile_epilogue<T> tail(map, arrays.rows(), available.threads, {Epilogue::present, epilogue.pool}, scratch);
    tail.start();
    direct::pack(outputs, map.inputs(), weight, threads, arrays.weights);
    for_windows(arrays, forward.samples, forward.x,
                [&](std::size_t thread, range rows, const direct::windows<T>& tile) {
                  T* u = tail.response(thread, rows, forward.u);
                  multiply_weights(tile, arrays.weights, u, mode, forward.bias);
                  tail(thread, rows, u, nullptr, forward.u, epilogue);
                });
    tail.finish(epilogue);
  }
  /// Computes u = X W^T + bias or u += X W^T + bias, as `mode` says; there may be no bias.
  [[gnu::noinline]] void multiply_weights(const direct::windows<T>& x, const T* panels, T* u, kernel::store mode,
                                          const T* bias) const {
    const std::size_t outputs = map.outputs();
    const std::size_t inputs = map.inputs();
    if constexpr (bfloat16::is_compiled<T>) {
      if (available.precision == precision::bfloat16) {
        bfloat16::multiply({x}, {panels, inputs, bfloat16::storage::panels}, outputs, {u, outputs}, mode);
        if (bias != nullptr) add_to_rows(rows_of(u, x.count, outputs), bias);
        return;
      }
    }
    direct::respond(x, panels, outputs, inputs, u, mode, bias);
  }
  /// Computes panels += X^T D.
  [[gnu::noinline]] void add_product(const direct::windows<T>& x, const T* d, T* part, T* panels) const {
    const std::size_t outputs = map.outputs();
    const std::size_t inputs = map.inputs();
    if constexpr (bfloat16::is_compiled<T>) {
      if (available.precision == precision::bfloat16) {
        return bfloat16::multiply({x, true}, {d, outputs}, outputs, {panels, inputs, bfloat16::storage::panels},
                                  kernel::store::add);
      }
    }
    direct::add_product(x, d, outputs, inputs, part, panels);
  }
  /// Calls body(thread, rows, windows) for each tile of X.
  template <class Body>
  void for_windows(const window_arrays& arrays, std::size_t samples, const T* x, const Body& body) const {
    direct::for_tiles(map, arrays.cut, arrays.tiles, samples, x, available.threads_for(map, samples), body);
  }

  /// Returns whether a learning pass can read windows in place, provided that its gates do not see X H^T.
  [[nodiscard]] static constexpr bool reads_windows(const learn_options& options) {
    return options.forgetting != mutual_forgetting::remainder;
  }
  /// Returns whether a pass by cells, which multiplies no padding, is faster than one by windows of `depth` channels.
  /// Measured with AVX-512: with a stride of 2, windows of 3 x 3 on 16 x 16 x 128 and 8 x 8 x 256 take 0.95 and 0.86 of
  /// the time, windows of 5 x 5 on 4 x 4 x 512 0.3; on 32 x 32 x 64, where less is padding and more is added, 1.04.
  [[nodiscard]] constexpr bool skips_padding(std::size_t depth) const {
    constexpr std::size_t fewest_channels = 96;
    constexpr std::size_t most_positions = 256;
    return depth >= fewest_channels && map.field.padding != 0 && map.out.positions() <= most_positions &&
           available.precision == precision::float32;
  }
  /// For a stride of 2 and windows of 3 x 3, dX takes 0.77 to 0.94 of the time of a product that is folded (AVX-512, 32
  /// to 256 channels); with 24 and 16 channels and 48 and 32 units, 1.07 and 1.3.
  [[nodiscard]] constexpr bool adds_gradient_by_cells() const {
    if (map.field.stride == 1) return skips_padding(map.outputs());
    constexpr std::size_t fewest_channels = 32;
    constexpr std::size_t fewest_units = 64;
    return map.in.channels >= fewest_channels && map.outputs() >= fewest_units &&
           available.precision == precision::float32;
  }
  [[nodiscard]] constexpr bool takes_gradient() const {
    return map.field.stride == 1 && map.field.padding.height < map.field.height_span() &&
           map.field.padding.width < map.field.width_span();
  }
  /// Returns the convolution that maps D to dX.
  [[nodiscard]] constexpr direct_convolution gradient() const {
    linear_map turned{map.out, map.in, map.field, 1};
    turned.field.padding = {map.field.height_span() - 1 - map.field.padding.height,
                            map.field.width_span() - 1 - map.field.padding.width};
    return {turned, available};
  }
  [[nodiscard]] constexpr unfolded_convolution<T> unfolded() const { return {map, available}; }
};

static_assert(linear_algorithm<direct_convolution<float>, float>);

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu
