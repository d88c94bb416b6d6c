#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <type_traits>

#include <localis/backend/concept.hpp>
#include <localis/backend/cpu/depthwise.hpp>
#include <localis/backend/cpu/direct.hpp>
#include <localis/backend/cpu/gemm.hpp>
#include <localis/backend/cpu/parallel.hpp>
#include <localis/backend/cpu/thread_sums.hpp>
#include <localis/backend/cpu/tile_epilogue.hpp>
#include <localis/backend/host_backend.hpp>
#include <localis/config.hpp>
#include <localis/core/error.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>
#include <localis/fwd.hpp>
#include <localis/kernel/epilogue.hpp>
#include <localis/kernel/unfold.hpp>

namespace localis::cpu {
inline namespace LOCALIS_CPU_THREADS {

struct options {
  std::size_t threads = 0;  ///< 0: as many as OpenMP would use
  /// Bytes of input, framed or unfolded, that a thread works on at once. A fixed number rather than a cache size asked
  /// of the machine: results then depend on the thread count alone.
  std::size_t tile_bytes = std::size_t{256} * 1024;
  /// Less work than this many elements, or 16 times as many multiply-adds, stays on one thread.
  std::size_t grain = 16384;
};

/// Arrays in host memory, matrix products by Eigen, loops and tiles over OpenMP threads.
///
/// Convolutions never unfold the whole input: a tile of it is framed by zeros in L2 and its windows are read where they
/// lie (direct.hpp), or, where a product needs rows of X, unfolded there; for the response, the local rule and what
/// follows alike. Results depend on the thread count (partial weight products are added thread by thread, in
/// order), not on timing. A copy shares the memory counters.
template <class Scalar>
class backend : public host_backend {
 public:
  using scalar = Scalar;
  static constexpr const char* name = "cpu";

  backend() : backend(options{}) {}
  explicit backend(const options& chosen)
      : threads_(chosen.threads == 0 ? available_threads() : chosen.threads),
        tile_bytes_(chosen.tile_bytes),
        grain_(chosen.grain) {
    expect(threads_ <= 4096, "cpu::options: threads", "at most 4096", threads_);
    expect(tile_bytes_ >= 1024, "cpu::options: tile_bytes", "at least 1024", tile_bytes_);
  }

  [[nodiscard]] std::size_t threads() const { return threads_; }
  /// Vector instructions that Eigen was compiled for, for example "AVX512, FMA, AVX2, ...".
  [[nodiscard]] static std::string instructions() { return Eigen::SimdInstructionSetsInUse(); }

  // Memory.

  void copy(const Scalar* from, std::size_t size, Scalar* to) const {
    parallel_for(threads_for(size), [&](std::size_t thread) {
      const range mine = part_of(size, thread, threads_for(size));
      std::copy(from + mine.begin, from + mine.end, to + mine.begin);
    });
  }

  // Loops.

  [[nodiscard]] static constexpr std::size_t row_threads(std::size_t) { return 1; }
  /// f(row, 0, columns) for each row. Rows do not depend on each other.
  template <class Kernel>
  void for_rows(std::size_t rows, std::size_t columns, const Kernel& f) const {
    for_samples(rows, columns, columns, f);
  }
  /// f(sample, 0, channels) for each sample, which is `work` elements of work.
  template <class Kernel>
  void for_samples(std::size_t samples, std::size_t work, std::size_t channels, const Kernel& f) const {
    static_assert(std::is_trivially_copyable_v<Kernel>, "localis: a kernel is a trivially copyable function object");
    const std::size_t threads = (std::min)(samples, threads_for(samples * work));
    parallel_for(threads, [&, kernel = f](std::size_t thread) {
      const range mine = part_of(samples, thread, threads);
      for (std::size_t row = mine.begin; row < mine.end; ++row) run_row(kernel, row, channels);
    });
  }

  /// sums[k][c] = sum over rows of what f(row, 0, columns, sums) adds. Rows are cut into chunks that depend on `rows`
  /// alone, and the chunks' sums added in order: the same bytes on any number of threads. A few rows are added up in
  /// Scalar, all else in double.
  template <class Kernel>
  void reduce_columns(std::size_t rows, std::size_t columns, std::size_t count, const Kernel& f, Scalar* sums,
                      workspace scratch) const {
    static_assert(std::is_trivially_copyable_v<Kernel>, "localis: a kernel is a trivially copyable function object");
    constexpr std::size_t few = 32;
    const std::size_t chunks = chunks_of(rows);
    const std::size_t size = count * columns;
    const std::size_t threads = (std::min)(chunks, threads_for(rows * columns));
    const reduce_arrays at = take_reduce_arrays(rows, columns, count, scratch);
    parallel_for(threads, [&, kernel = f](std::size_t thread) {
      const range mine = part_of(chunks, thread, threads);
      Scalar* part = at.parts + thread * size;
      for (std::size_t chunk = mine.begin; chunk < mine.end; ++chunk) {
        double* total = at.chunks + chunk * size;
        std::fill(total, total + size, 0.0);
        const range stretch = part_of(rows, chunk, chunks);
        for (std::size_t first = stretch.begin; first < stretch.end; first += few) {
          std::fill(part, part + size, Scalar(0));
          const std::size_t last = (std::min)(first + few, stretch.end);
          for (std::size_t row = first; row < last; ++row) kernel(row, 0, columns, part);
          LOCALIS_VECTORIZE
          for (std::size_t i = 0; i < size; ++i) total[i] += static_cast<double>(part[i]);
        }
      }
    });
    for (std::size_t i = 0; i < size; ++i) {
      double sum = 0;
      for (std::size_t chunk = 0; chunk < chunks; ++chunk) sum += at.chunks[chunk * size + i];
      sums[i] = static_cast<Scalar>(sum);
    }
  }
  void reduce_scratch(std::size_t rows, std::size_t columns, std::size_t count, workspace& scratch) const {
    (void)take_reduce_arrays(rows, columns, count, scratch);
  }

  // Linear maps.

  /// u = X W^T + b.   x: the layer's input,  w: O x I,  bias: O or null,  u: P x O, or what `then` makes of it
  template <class Epilogue = kernel::no_epilogue>
  void respond(const linear_map& map, std::size_t samples, const Scalar* x, const Scalar* w, const Scalar* bias,
               Scalar* u, workspace scratch, const Epilogue& epilogue = {}) const {
    const std::size_t outputs = map.outputs();
    if (map.depthwise()) {
      depthwise::respond(map, samples, x, w, bias, u, threads_for(map, samples), scratch);
      run_epilogue(*this, map.rows(samples), map.outputs(), u, epilogue, scratch);
      return;
    }
    if (map.dense()) {
      dense_response(map, samples, x, w, u);
      if (bias != nullptr) add_to_rows(rows_of(u, samples, outputs), bias);
      run_epilogue(*this, map.rows(samples), map.outputs(), u, epilogue, scratch);
      return;
    }
    if (direct::takes(map)) {
      direct_response(map, samples, x, weight_of{w, map.inputs()}, bias, u, epilogue, scratch);
      return;
    }
    Scalar* columns = columns_scratch(map, scratch);
    const tile_epilogue<Scalar> end = end_start(map, tile_rows(map), epilogue, scratch);
    for_tiles(map, samples, x, columns, [&](std::size_t thread, range rows, const Scalar* tile) {
      Scalar* out = u + rows.begin * outputs;
      tile_response(map, rows_of(tile, rows.size(), map.seen()), w, out);
      end(thread, rows, out, bias, u, epilogue);
    });
    end.finish(epilogue);
  }
  void respond_scratch(const linear_map& map, std::size_t samples, workspace& scratch,
                       const epilogue_options& epilogue = {}) const {
    workspace alone = scratch;
    if (map.depthwise()) {
      (void)scratch.take<Scalar>(map.weights());
    } else if (direct::takes(map)) {
      (void)take_direct_arrays(map, epilogue.pool, scratch);
      (void)tile_epilogue<Scalar>(map, direct_rows(map, epilogue.pool), threads_, epilogue, scratch);
    } else if (!map.dense()) {
      (void)columns_scratch(map, scratch);
      (void)tile_epilogue<Scalar>(map, tile_rows(map), threads_, epilogue, scratch);
    }
    whole_end_scratch(map, samples, epilogue, alone, scratch);
  }
  /// Whether a response may be pooled in its own pass.
  [[nodiscard]] static constexpr bool pools(const linear_map& map) { return direct::takes(map); }

  /// The response, and in the same pass over tiles what a local rule sums.
  template <class Gate, class Epilogue = kernel::no_epilogue>
  void respond_and_learn(const linear_map& map, std::size_t samples, const Scalar* x, const Scalar* w,
                         const Scalar* bias, Scalar* u, const Gate& gate, const learn_options& options, const Scalar* h,
                         const accumulators<Scalar>& sums, workspace scratch, const Epilogue& epilogue = {}) const {
    static_assert(std::is_trivially_copyable_v<Gate>, "localis: a gate is a trivially copyable function object");
    if (map.depthwise()) {
      depthwise::respond_and_learn(map, samples, x, w, bias, u, gate, options, h, sums, threads_for(map, samples),
                                   scratch);
      run_epilogue(*this, map.rows(samples), map.outputs(), u, epilogue, scratch);
      return;
    }
    const std::size_t outputs = map.outputs();
    const std::size_t inputs = map.inputs();
    const bool windows = reads_windows(map, options) && h == nullptr;
    const workspace alone = scratch;
    const learn_arrays at = take_learn_arrays(map, samples, options, windows, epilogue.pool, scratch);
    if (map.dense()) {
      if (!options.responded) dense_response(map, samples, x, w, u);
      const range all{0, samples};
      std::fill_n(sums.sum, map.weights(), Scalar(0));
      thread_sums<Scalar>::clear_others(map, options, sums);
      const learned_rows learned = gate_rows(map, all, x, u, gate, options, h, sums, at, 0);
      matrix_view<const Scalar> seen = learned.inputs;
      if (options.inputs) add_column_sums(seen, sums.input);
      if (options.reconstructs) {
        seen = remainder_of(learned, at.remainder);
        split_columns(seen.rows * outputs, inputs, [&](range columns) {
          subtract_ab<Scalar>(learned.plain, {w + columns.begin, outputs, columns.size(), inputs},
                              {at.remainder + columns.begin, seen.rows, columns.size(), inputs});
        });
      }
      split_columns(seen.rows * outputs, inputs, [&](range columns) {
        add_product(learned.gates, {seen.data + columns.begin, seen.rows, columns.size(), seen.stride},
                    {sums.sum + columns.begin, outputs, columns.size(), inputs}, options);
      });
      if (bias != nullptr) add_to_rows(rows_of(u, samples, outputs), bias);
      run_epilogue(*this, samples, outputs, u, epilogue, alone);
      return;
    }
    const tile_epilogue<Scalar> end = end_start(map, at.rows, epilogue, scratch);
    const std::size_t threads = threads_for(map, samples);
    at.threads->clear(threads, sums);
    if (windows) {
      if (!options.responded) direct::pack(outputs, inputs, weight_of{w, inputs}, threads, at.direct->weights);
      for_windows(
          map, *at.direct, samples, x, [&](std::size_t thread, range rows, const direct::windows<Scalar>& tile) {
            const accumulators<Scalar> mine = at.threads->of(thread, sums);
            Scalar* out = end.response(thread, rows, u);
            if (!options.responded) direct::respond(tile, at.direct->weights, outputs, inputs, out);
            const learned_rows learned = gate_rows(map, rows, nullptr, out, gate, options, h, mine, at, thread);
            const direct::windows<Scalar> seen = tile.part(learned.start, learned.gates.rows, options.rows.every);
            if (options.inputs) direct::add_inputs(seen, mine.input);
            if (at.threads->in_panels()) {
              direct::add_product(seen, learned.gates.data, outputs, inputs, part_of_thread(at, thread), mine.sum);
            } else {
              direct::add_sparse_product(seen, learned.gates.data, outputs, inputs, mine.sum);
            }
            end(thread, rows, out, bias, u, epilogue);
          });
    } else {
      for_tiles(map, samples, x, at.columns, [&](std::size_t thread, range rows, const Scalar* tile) {
        const accumulators<Scalar> mine = at.threads->of(thread, sums);
        Scalar* out = u + rows.begin * outputs;
        if (!options.responded) tile_response(map, rows_of(tile, rows.size(), map.seen()), w, out);
        const learned_rows learned = gate_rows(map, rows, tile, out, gate, options, h, mine, at, thread);
        matrix_view<const Scalar> seen = learned.inputs;
        if (options.inputs) add_column_sums(seen, mine.input);
        if (options.reconstructs) {
          Scalar* remainder = at.remainder + thread * at.rows * inputs;
          seen = remainder_of(learned, remainder);
          subtract_ab<Scalar>(learned.plain, rows_of(w, outputs, inputs), rows_of(remainder, seen.rows, inputs));
        }
        for (std::size_t g = 0; g < map.groups; ++g) {
          add_product(units_of(map, g, learned.gates), inputs_of(map, g, seen), sums_of(map, g, mine.sum), options);
        }
        end(thread, rows, out, bias, u, epilogue);
      });
    }
    at.threads->add_up(threads, threads_for(map.weights()), sums);
    end.finish(epilogue);
  }
  void learn_scratch(const linear_map& map, std::size_t samples, const learn_options& options, workspace& scratch,
                     const epilogue_options& epilogue = {}) const {
    workspace alone = scratch;
    if (map.depthwise()) {
      (void)depthwise::learn_arrays<Scalar>(map, options, threads_, scratch);
    } else {
      const workspace start = scratch;
      for (const bool windows : {true, false}) {
        if (windows ? !reads_windows(map, options) : reads_windows(map, options) && !options.sees_other) continue;
        workspace form = start;
        const learn_arrays at = take_learn_arrays(map, samples, options, windows, epilogue.pool, form);
        if (!map.dense()) (void)tile_epilogue<Scalar>(map, at.rows, threads_, epilogue, form);
        if (form.used() > scratch.used()) scratch = form;
      }
    }
    whole_end_scratch(map, samples, epilogue, alone, scratch);
  }

  /// c -= a b.   a: rows x inner,  b: inner x columns,  c: rows x columns
  void subtract_product(std::size_t rows, std::size_t inner, std::size_t columns, const Scalar* a, const Scalar* b,
                        Scalar* c) const {
    split_columns(rows * inner, columns, [&](range mine) {
      subtract_ab<Scalar>(rows_of(a, rows, inner), {b + mine.begin, inner, mine.size(), columns},
                          {c + mine.begin, rows, mine.size(), columns});
    });
  }

  /// dw = D^T X,  db = column sums of D (where db is not null).   d: P x O
  void weight_gradient(const linear_map& map, std::size_t samples, const Scalar* x, const Scalar* d, Scalar* dw,
                       Scalar* db, workspace scratch) const {
    if (map.depthwise()) {
      depthwise::weight_gradient(map, samples, x, d, dw, db, threads_for(map, samples), scratch);
      return;
    }
    const std::size_t outputs = map.outputs();
    const std::size_t inputs = map.inputs();
    if (map.dense()) {
      split_columns(samples * outputs, inputs, [&](range columns) {
        multiply_atb<Scalar>(rows_of(d, samples, outputs), {x + columns.begin, samples, columns.size(), inputs},
                             {dw + columns.begin, outputs, columns.size(), inputs}, false);
      });
      if (db != nullptr) {
        std::fill(db, db + outputs, Scalar(0));
        add_column_sums(rows_of(d, samples, outputs), db);
      }
      return;
    }
    const learn_arrays at = take_tile_arrays(map, {}, direct::takes(map), 1, scratch);
    const accumulators<Scalar> sums{dw, db, nullptr, nullptr};
    const std::size_t threads = threads_for(map, samples);
    at.threads->clear(threads, sums);
    if (at.direct) {
      for_windows(map, *at.direct, samples, x,
                  [&](std::size_t thread, range rows, const direct::windows<Scalar>& tile) {
                    const accumulators<Scalar> mine = at.threads->of(thread, sums);
                    const Scalar* error = d + rows.begin * outputs;
                    direct::add_product(tile, error, outputs, inputs, part_of_thread(at, thread), mine.sum);
                    if (db != nullptr) add_column_sums(rows_of(error, rows.size(), outputs), mine.unit);
                  });
      at.threads->add_up(threads, threads_for(map.weights()), sums);
      return;
    }
    for_tiles(map, samples, x, at.columns, [&](std::size_t thread, range rows, const Scalar* tile) {
      const accumulators<Scalar> mine = at.threads->of(thread, sums);
      const Scalar* error = d + rows.begin * outputs;
      for (std::size_t g = 0; g < map.groups; ++g) {
        multiply_atb<Scalar>(units_of(map, g, rows_of(error, rows.size(), outputs)),
                             inputs_of(map, g, rows_of(tile, rows.size(), map.seen())), sums_of(map, g, mine.sum),
                             true);
      }
      if (db != nullptr) add_column_sums(rows_of(error, rows.size(), outputs), mine.unit);
    });
    at.threads->add_up(threads, threads_for(map.weights()), sums);
  }
  void weight_gradient_scratch(const linear_map& map, std::size_t, workspace& scratch) const {
    if (map.depthwise()) {
      (void)depthwise::partial_sums<Scalar>(map, {}, threads_, scratch);
    } else if (!map.dense()) {
      (void)take_tile_arrays(map, {}, direct::takes(map), 1, scratch);
    }
  }

  /// dx = D W, folded back onto the input. Windows one pixel apart: the response of D to W turned around.
  void input_gradient(const linear_map& map, std::size_t samples, const Scalar* d, const Scalar* w, Scalar* dx,
                      workspace scratch) const {
    if (map.depthwise()) {
      depthwise::input_gradient(map, samples, d, w, dx, threads_for(map, samples), scratch);
      return;
    }
    const std::size_t outputs = map.outputs();
    const std::size_t inputs = map.inputs();
    if (map.dense()) {
      const bool by_rows = samples >= inputs;
      const std::size_t threads = threads_for(map, samples);
      parallel_for(threads, [&](std::size_t thread) {
        const range rows = by_rows ? part_of(samples, thread, threads) : range{0, samples};
        const range columns = by_rows ? range{0, inputs} : part_of(inputs, thread, threads, 16);
        if (rows.size() == 0 || columns.size() == 0) return;
        multiply_ab<Scalar>(rows_of(d + rows.begin * outputs, rows.size(), outputs),
                            {w + columns.begin, outputs, columns.size(), inputs},
                            {dx + rows.begin * inputs + columns.begin, rows.size(), columns.size(), inputs}, false);
      });
      return;
    }
    if (direct::takes_gradient(map)) {
      direct_response(direct::gradient_map(map), samples, d,
                      turned_weight{w, inputs, map.in.channels, outputs, map.field.positions()}, nullptr, dx,
                      kernel::no_epilogue{}, scratch);
      return;
    }
    Scalar* columns = columns_scratch(map, scratch);
    const std::size_t positions = map.out.positions();
    const std::size_t most = tile_rows(map);
    // Windows of one image overlap, so that an image belongs to one thread; small images share a tile.
    const std::size_t together = std::max<std::size_t>(1, most / positions);
    const std::size_t threads = (std::min)(threads_for(map, samples), samples);
    parallel_for(threads, [&](std::size_t thread) {
      const range mine = part_of(samples, thread, threads);
      Scalar* tile = columns + thread * most * map.seen();
      for (std::size_t first = mine.begin; first < mine.end; first += together) {
        const std::size_t last = (std::min)(mine.end, first + together);
        std::fill(dx + first * map.in.size(), dx + last * map.in.size(), Scalar(0));
        for (std::size_t row = first * positions; row < last * positions; row += most) {
          const std::size_t end = (std::min)(last * positions, row + most);
          const matrix_view<const Scalar> error = rows_of(d + row * outputs, end - row, outputs);
          for (std::size_t g = 0; g < map.groups; ++g) {
            multiply_ab<Scalar>(units_of(map, g, error), weights_of(map, g, w),
                                {tile + g * inputs, end - row, inputs, map.seen()}, false);
          }
          for (std::size_t at = row; at < end; ++at) {
            kernel::fold_row<Scalar>(map, tile + (at - row) * map.seen(), at % positions,
                                     dx + at / positions * map.in.size());
          }
        }
      }
    });
  }
  void input_gradient_scratch(const linear_map& map, std::size_t, workspace& scratch) const {
    if (map.depthwise()) {
      (void)scratch.take<Scalar>(map.weights());
    } else if (direct::takes_gradient(map)) {
      (void)take_direct_arrays(direct::gradient_map(map), 1, scratch);
    } else if (!map.dense()) {
      (void)columns_scratch(map, scratch);
    }
  }

 private:
  // Group g's part of what rows of units, rows of their inputs, and weights hold.
  static matrix_view<const Scalar> units_of(const linear_map& map, std::size_t g,
                                            const matrix_view<const Scalar>& all) {
    const std::size_t units = map.outputs() / map.groups;
    return {all.data + g * units, all.rows, units, all.stride};
  }
  static matrix_view<const Scalar> inputs_of(const linear_map& map, std::size_t g,
                                             const matrix_view<const Scalar>& all) {
    return {all.data + g * map.inputs(), all.rows, map.inputs(), all.stride};
  }
  static matrix_view<const Scalar> weights_of(const linear_map& map, std::size_t g, const Scalar* w) {
    return rows_of(w + g * map.weights() / map.groups, map.outputs() / map.groups, map.inputs());
  }
  static matrix_view<Scalar> sums_of(const linear_map& map, std::size_t g, Scalar* sum) {
    return rows_of(sum + g * map.weights() / map.groups, map.outputs() / map.groups, map.inputs());
  }
  /// u = X W^T of some rows of X.
  static void tile_response(const linear_map& map, const matrix_view<const Scalar>& x, const Scalar* w, Scalar* u) {
    const std::size_t units = map.outputs() / map.groups;
    for (std::size_t g = 0; g < map.groups; ++g) {
      multiply_abt<Scalar>(inputs_of(map, g, x), weights_of(map, g, w), {u + g * units, x.rows, units, map.outputs()},
                           false);
    }
  }

  [[nodiscard]] std::size_t threads_for(std::size_t elements) const { return elements < grain_ ? 1 : threads_; }
  [[nodiscard]] std::size_t threads_for(const linear_map& map, std::size_t samples) const {
    return threads_for(map.rows(samples) * map.weights() / 16);
  }
  [[nodiscard]] static std::size_t chunks_of(std::size_t rows) {
    return std::clamp<std::size_t>((rows + 255) / 256, 1, 64);
  }
  struct reduce_arrays {
    double* chunks;  ///< by chunk
    Scalar* parts;   ///< by thread
  };
  [[nodiscard]] reduce_arrays take_reduce_arrays(std::size_t rows, std::size_t columns, std::size_t count,
                                                 workspace& scratch) const {
    return {scratch.take<double>(chunks_of(rows) * count * columns), scratch.take<Scalar>(threads_ * count * columns)};
  }

  /// Rows of X in a tile.
  [[nodiscard]] std::size_t tile_rows(const linear_map& map) const {
    return std::clamp<std::size_t>(tile_bytes_ / (map.seen() * sizeof(Scalar)), 64, 1024) / 16 * 16;
  }
  /// Each thread's tile of the unfolded input.
  Scalar* columns_scratch(const linear_map& map, workspace& scratch) const {
    return map.pointwise() ? nullptr : scratch.take<Scalar>(threads_ * tile_rows(map) * map.seen());
  }

  /// body(thread, rows, tile) for each tile of X; threads own contiguous stretches of tiles.
  template <class Body>
  void for_tiles(const linear_map& map, std::size_t samples, const Scalar* x, Scalar* columns, const Body& body) const {
    const std::size_t most = tile_rows(map);
    const std::size_t positions = map.out.positions();
    const std::size_t seen = map.seen();
    const std::size_t threads = threads_for(map, samples);
    parallel_for(threads, [&](std::size_t thread) {
      const range mine = part_of(map.rows(samples), thread, threads, most);
      for (std::size_t row = mine.begin; row < mine.end; row += most) {
        const range rows{row, (std::min)(mine.end, row + most)};
        if (map.pointwise()) {
          body(thread, rows, x + rows.begin * seen);
          continue;
        }
        Scalar* tile = columns + thread * most * seen;
        for (std::size_t r = rows.begin; r < rows.end; ++r) {
          kernel::unfold_row<Scalar>(map, x + r / positions * map.in.size(), r % positions,
                                     tile + (r - rows.begin) * seen);
        }
        body(thread, rows, static_cast<const Scalar*>(tile));
      }
    });
  }

  // Windows read where they lie.

  /// W, by unit and input.
  struct weight_of {
    const Scalar* w;
    std::size_t inputs;
    Scalar operator()(std::size_t unit, std::size_t input) const { return w[unit * inputs + input]; }
  };
  /// W as the convolution from D to dX has it: its units are channels, its inputs windows of units.
  struct turned_weight {
    const Scalar* w;
    std::size_t inputs;
    std::size_t channels;
    std::size_t units;
    std::size_t cells;
    Scalar operator()(std::size_t channel, std::size_t input) const {
      return w[input % units * inputs + (cells - 1 - input / units) * channels + channel];
    }
  };
  struct direct_arrays {
    direct::tiling<Scalar> cut;
    direct::tile_arrays<Scalar> tiles;
    Scalar* weights;  ///< panels
  };
  [[nodiscard]] direct_arrays take_direct_arrays(const linear_map& map, std::size_t pool, workspace& scratch) const {
    const direct::tiling<Scalar> cut(map, tile_bytes_, pool);
    return {cut,
            {map, cut, threads_, scratch},
            scratch.take<Scalar>(direct::panels_size<Scalar>(map.outputs(), map.inputs()))};
  }
  [[nodiscard]] std::size_t direct_rows(const linear_map& map, std::size_t pool) const {
    return direct::tiling<Scalar>(map, tile_bytes_, pool).rows(map);
  }
  template <class Body>
  void for_windows(const linear_map& map, const direct_arrays& at, std::size_t samples, const Scalar* x,
                   const Body& body) const {
    direct::for_tiles(map, at.cut, at.tiles, samples, x, threads_for(map, samples), body);
  }
  template <class Weight, class Epilogue>
  void direct_response(const linear_map& map, std::size_t samples, const Scalar* x, const Weight& weight,
                       const Scalar* bias, Scalar* u, const Epilogue& epilogue, workspace scratch) const {
    const std::size_t outputs = map.outputs();
    const direct_arrays at = take_direct_arrays(map, epilogue.pool, scratch);
    const tile_epilogue<Scalar> end = end_start(map, at.cut.rows(map), epilogue, scratch);
    direct::pack(outputs, map.inputs(), weight, threads_for(map, samples), at.weights);
    for_windows(map, at, samples, x, [&](std::size_t thread, range rows, const direct::windows<Scalar>& tile) {
      Scalar* out = end.response(thread, rows, u);
      direct::respond(tile, static_cast<const Scalar*>(at.weights), outputs, map.inputs(), out);
      end(thread, rows, out, bias, u, epilogue);
    });
    end.finish(epilogue);
  }
  /// Whether learning reads windows where they lie, unless gates see another response.
  [[nodiscard]] static bool reads_windows(const linear_map& map, const learn_options& options) {
    return direct::takes(map) && !options.reconstructs;
  }

  // What follows a response.

  template <class Epilogue>
  [[nodiscard]] tile_epilogue<Scalar> end_start(const linear_map& map, std::size_t rows, const Epilogue& epilogue,
                                                workspace& scratch) const {
    const tile_epilogue<Scalar> end(map, rows, threads_, {Epilogue::present, epilogue.pool}, scratch);
    end.start();
    return end;
  }
  /// Of what follows a response that is not cut into tiles.
  void whole_end_scratch(const linear_map& map, std::size_t samples, const epilogue_options& options, workspace alone,
                         workspace& scratch) const {
    if (!options.present || !(map.depthwise() || map.dense())) return;
    reduce_scratch(map.rows(samples), map.outputs(), 2, alone);
    if (alone.used() > scratch.used()) scratch = alone;
  }

  // Local rules.

  struct learn_arrays {
    std::optional<direct_arrays> direct;         ///< where windows are read in place
    Scalar* columns = nullptr;                   ///< tiles, else
    std::size_t rows = 0;                        ///< of X in a tile
    std::optional<thread_sums<Scalar>> threads;  ///< none for dense layers
    Scalar* part = nullptr;                      ///< of what is multiplied
    Scalar* gates = nullptr;
    Scalar* plain = nullptr;  ///< gates without the modulator
    Scalar* signal_rows = nullptr;
    Scalar* remainder = nullptr;  ///< X - G W
  };
  [[nodiscard]] learn_arrays take_tile_arrays(const linear_map& map, const learn_options& options, bool windows,
                                              std::size_t pool, workspace& scratch) const {
    learn_arrays at;
    if (windows) {
      at.direct = take_direct_arrays(map, pool, scratch);
      at.rows = at.direct->cut.rows(map);
    } else {
      at.columns = columns_scratch(map, scratch);
      at.rows = tile_rows(map);
    }
    at.threads.emplace(map, options, threads_, windows && options.active_gates == 0, scratch);
    if (at.threads->in_panels()) at.part = scratch.take<Scalar>(threads_ * direct::product_part<Scalar>);
    return at;
  }
  [[nodiscard]] learn_arrays take_learn_arrays(const linear_map& map, std::size_t samples, const learn_options& options,
                                               bool windows, std::size_t pool, workspace& scratch) const {
    learn_arrays at;
    if (!map.dense()) at = take_tile_arrays(map, options, windows, pool, scratch);
    const std::size_t rows = map.dense() ? samples : threads_ * at.rows;
    at.gates = scratch.take<Scalar>(rows * map.outputs());
    if (options.modulated) at.plain = scratch.take<Scalar>(rows * map.outputs());
    if (options.sees_other) at.signal_rows = scratch.take<Scalar>(rows * map.outputs());
    if (options.reconstructs) at.remainder = scratch.take<Scalar>(rows * map.inputs());
    return at;
  }
  static Scalar* part_of_thread(const learn_arrays& at, std::size_t thread) {
    return at.part + thread * direct::product_part<Scalar>;
  }

  /// What is learned from some rows of X.
  struct learned_rows {
    matrix_view<const Scalar> gates;   ///< compact
    matrix_view<const Scalar> plain;   ///< without the modulator
    matrix_view<const Scalar> inputs;  ///< rows of X, some left out; none where X is not unfolded
    std::size_t start;                 ///< the first of them, counted from the first of all
  };
  /// Gates of the rows among `rows` that are learned from, and all sums but those over X.
  ///   x, u  of the first of `rows`;  x null where it is not unfolded
  template <class Gate>
  learned_rows gate_rows(const linear_map& map, range rows, const Scalar* x, const Scalar* u, const Gate& gate,
                         const learn_options& options, const Scalar* h, const accumulators<Scalar>& sums,
                         const learn_arrays& at, std::size_t thread) const {
    const std::size_t outputs = map.outputs();
    const std::size_t width = map.seen();
    const std::size_t every = options.rows.every;
    const std::size_t skipped = options.rows.count(rows.begin);
    const std::size_t start = options.rows.first + skipped * every - rows.begin;  // may lie beyond the last row
    const std::size_t count = options.rows.count(rows.end) - skipped;
    Scalar* gates = at.gates + thread * at.rows * outputs;
    const matrix_view<const Scalar> gated = rows_of(static_cast<const Scalar*>(gates), count, outputs);
    if (count == 0) return {gated, gated, rows_of(x, 0, width), 0};
    Scalar* plain = options.modulated ? at.plain + thread * at.rows * outputs : nullptr;
    const matrix_view<const Scalar> unmodulated =
        options.modulated ? rows_of(static_cast<const Scalar*>(plain), count, outputs) : gated;
    const matrix_view<const Scalar> seen =
        x == nullptr ? rows_of(x, 0, width) : matrix_view<const Scalar>{x + start * width, count, width, every * width};
    matrix_view<const Scalar> signal_rows{u + start * outputs, count, outputs, every * outputs};
    if (options.sees_other) {
      const matrix_view<Scalar> other = rows_of(at.signal_rows + thread * at.rows * outputs, count, outputs);
      if (h != nullptr) tile_response(map, seen, h, other.data);
      for (std::size_t j = 0; j < count; ++j) {
        Scalar* to = other.data + j * outputs;
        gate.see(0, outputs, h != nullptr ? to : signal_rows.data + j * signal_rows.stride, to);
      }
      signal_rows = {other.data, count, outputs, outputs};
    }
    for (std::size_t j = 0; j < count; ++j) {
      const Scalar* signal = signal_rows.data + j * signal_rows.stride;
      gate.open(rows.begin + start + j * every, 0, outputs, signal, gates + j * outputs,
                options.modulated ? plain + j * outputs : nullptr);
      gate.add(0, outputs, signal, gates + j * outputs, sums.unit);
    }
    if (options.matrix) multiply_atb<Scalar>(gated, unmodulated, rows_of(sums.matrix, outputs, outputs), true);
    return {gated, unmodulated, seen, start};
  }
  /// X, to be subtracted from.
  static matrix_view<const Scalar> remainder_of(const learned_rows& learned, Scalar* to) {
    const matrix_view<const Scalar>& from = learned.inputs;
    for (std::size_t j = 0; j < from.rows; ++j) {
      std::copy(from.data + j * from.stride, from.data + j * from.stride + from.columns, to + j * from.columns);
    }
    return rows_of(static_cast<const Scalar*>(to), from.rows, from.columns);
  }
  /// sum += G^T X. Where few gates of a row are not 0, row by row: a product would multiply zeros.
  static void add_product(const matrix_view<const Scalar>& gates, const matrix_view<const Scalar>& x,
                          const matrix_view<Scalar>& sum, const learn_options& options) {
    if (x.rows == 0 || x.columns == 0) return;
    if (options.active_gates == 0) {
      multiply_atb<Scalar>(gates, x, sum, true);
      return;
    }
    for (std::size_t j = 0; j < x.rows; ++j) {
      const Scalar* row = x.data + j * x.stride;
      for (std::size_t o = 0; o < gates.columns; ++o) {
        const Scalar g = gates.data[j * gates.stride + o];
        if (g == Scalar(0)) continue;
        Scalar* to = sum.data + o * sum.stride;
        LOCALIS_VECTORIZE
        for (std::size_t i = 0; i < x.columns; ++i) to[i] += g * row[i];
      }
    }
  }
  // Dense: all of X is at hand and small in rows, so that threads split the result rather than the sum.
  void dense_response(const linear_map& map, std::size_t samples, const Scalar* x, const Scalar* w, Scalar* u) const {
    const std::size_t outputs = map.outputs();
    const std::size_t inputs = map.inputs();
    const bool by_rows = samples >= outputs;
    const std::size_t threads = threads_for(map, samples);
    parallel_for(threads, [&](std::size_t thread) {
      const range rows = by_rows ? part_of(samples, thread, threads, 8) : range{0, samples};
      const range columns = by_rows ? range{0, outputs} : part_of(outputs, thread, threads, 8);
      if (rows.size() == 0 || columns.size() == 0) return;
      multiply_abt<Scalar>(rows_of(x + rows.begin * inputs, rows.size(), inputs),
                           rows_of(w + columns.begin * inputs, columns.size(), inputs),
                           {u + rows.begin * outputs + columns.begin, rows.size(), columns.size(), outputs}, false);
    });
  }
  /// body(columns) for parts of a product's columns, on as many threads as its work is worth.
  template <class Body>
  void split_columns(std::size_t work_of_column, std::size_t columns, const Body& body) const {
    const std::size_t threads = threads_for(work_of_column * columns / 16);
    parallel_for(threads, [&](std::size_t thread) {
      const range mine = part_of(columns, thread, threads, 16);
      if (mine.size() > 0) body(mine);
    });
  }

  std::size_t threads_;
  std::size_t tile_bytes_;
  std::size_t grain_;
};

static_assert(localis::backend<backend<double>>);

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu
