#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <type_traits>

#include <localis/config.hpp>
#include <localis/core/carver.hpp>
#include <localis/core/error.hpp>
#include <localis/core/on_host.hpp>
#include <localis/core/shape.hpp>
#include <localis/cpu/depthwise.hpp>
#include <localis/cpu/direct.hpp>
#include <localis/cpu/gemm.hpp>
#include <localis/cpu/lane_sums.hpp>
#include <localis/cpu/parallel.hpp>
#include <localis/cpu/tile_end.hpp>
#include <localis/fwd.hpp>
#include <localis/kernel/backend.hpp>
#include <localis/kernel/follow_up.hpp>
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
/// follows alike. Results depend on the thread count (partial weight products are added lane by lane, in
/// order), not on timing. A copy shares the memory counters.
template <class Scalar>
class backend : public on_host {
 public:
  using scalar = Scalar;
  static constexpr const char* name = "cpu";

  backend() : backend(options{}) {}
  explicit backend(const options& chosen)
      : lanes_(chosen.threads == 0 ? available_threads() : chosen.threads),
        tile_bytes_(chosen.tile_bytes),
        grain_(chosen.grain) {
    expect(lanes_ <= 4096, "cpu::options: threads", "at most 4096", lanes_);
    expect(tile_bytes_ >= 1024, "cpu::options: tile_bytes", "at least 1024", tile_bytes_);
  }

  [[nodiscard]] std::size_t threads() const { return lanes_; }
  /// Vector instructions that Eigen was compiled for, for example "AVX512, FMA, AVX2, ...".
  [[nodiscard]] static std::string instructions() { return Eigen::SimdInstructionSetsInUse(); }

  // Memory.

  void copy(const Scalar* from, std::size_t size, Scalar* to) const {
    parallel_for(lanes_for(size), [&](std::size_t lane) {
      const range mine = part_of(size, lane, lanes_for(size));
      std::copy(from + mine.begin, from + mine.end, to + mine.begin);
    });
  }

  // Loops.

  [[nodiscard]] static constexpr std::size_t row_lanes(std::size_t) { return 1; }
  /// f(row, 0, columns) for each row. Rows do not depend on each other.
  template <class Kernel>
  void for_rows(std::size_t rows, std::size_t columns, const Kernel& f) const {
    for_samples(rows, columns, columns, f);
  }
  /// f(sample, 0, channels) for each sample, which is `work` elements of work.
  template <class Kernel>
  void for_samples(std::size_t samples, std::size_t work, std::size_t channels, const Kernel& f) const {
    static_assert(std::is_trivially_copyable_v<Kernel>, "localis: a kernel is a trivially copyable function object");
    const std::size_t lanes = (std::min)(samples, lanes_for(samples * work));
    parallel_for(lanes, [&, kernel = f](std::size_t lane) {
      const range mine = part_of(samples, lane, lanes);
      for (std::size_t row = mine.begin; row < mine.end; ++row) run_row(kernel, row, channels);
    });
  }

  /// sums[k][c] = sum over rows of what f(row, 0, columns, sums) adds. Rows are cut into chunks that depend on `rows`
  /// alone, and the chunks' sums added in order: the same bytes on any number of threads. A few rows are added up in
  /// Scalar, all else in double.
  template <class Kernel>
  void reduce_columns(std::size_t rows, std::size_t columns, std::size_t count, const Kernel& f, Scalar* sums,
                      carver scratch) const {
    static_assert(std::is_trivially_copyable_v<Kernel>, "localis: a kernel is a trivially copyable function object");
    constexpr std::size_t few = 32;
    const std::size_t chunks = chunks_of(rows);
    const std::size_t size = count * columns;
    const std::size_t lanes = (std::min)(chunks, lanes_for(rows * columns));
    const reduce_arrays at = reduce_carve(rows, columns, count, scratch);
    parallel_for(lanes, [&, kernel = f](std::size_t lane) {
      const range mine = part_of(chunks, lane, lanes);
      Scalar* part = at.parts + lane * size;
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
  void reduce_scratch(std::size_t rows, std::size_t columns, std::size_t count, carver& scratch) const {
    (void)reduce_carve(rows, columns, count, scratch);
  }

  // Linear maps.

  /// u = X W^T + b.   x: the layer's input,  w: O x I,  bias: O or null,  u: P x O, or what `then` makes of it
  template <class FollowUp = kernel::no_follow_up>
  void respond(const linear_map& map, std::size_t samples, const Scalar* x, const Scalar* w, const Scalar* bias,
               Scalar* u, carver scratch, const FollowUp& then = {}) const {
    const std::size_t outputs = map.outputs();
    if (map.depthwise()) {
      depthwise::respond(map, samples, x, w, bias, u, lanes_for(map, samples), scratch);
      follow(*this, map.rows(samples), map.outputs(), u, then, scratch);
      return;
    }
    if (map.dense()) {
      dense_response(map, samples, x, w, u);
      if (bias != nullptr) add_to_rows(rows_of(u, samples, outputs), bias);
      follow(*this, map.rows(samples), map.outputs(), u, then, scratch);
      return;
    }
    if (direct::takes(map)) {
      direct_response(map, samples, x, weight_of{w, map.inputs()}, bias, u, then, scratch);
      return;
    }
    Scalar* columns = columns_scratch(map, scratch);
    const tile_end<Scalar> end = end_start(map, tile_rows(map), then, scratch);
    for_tiles(map, samples, x, columns, [&](std::size_t lane, range rows, const Scalar* tile) {
      Scalar* out = u + rows.begin * outputs;
      tile_response(map, rows_of(tile, rows.size(), map.seen()), w, out);
      end(lane, rows, out, bias, u, then);
    });
    end.finish(then);
  }
  void respond_scratch(const linear_map& map, std::size_t samples, carver& scratch,
                       const follow_options& follow = {}) const {
    carver alone = scratch;
    if (map.depthwise()) {
      (void)scratch.take<Scalar>(map.weights());
    } else if (direct::takes(map)) {
      (void)direct_carve(map, follow.pool, scratch);
      (void)tile_end<Scalar>(map, direct_rows(map, follow.pool), lanes_, follow, scratch);
    } else if (!map.dense()) {
      (void)columns_scratch(map, scratch);
      (void)tile_end<Scalar>(map, tile_rows(map), lanes_, follow, scratch);
    }
    whole_end_scratch(map, samples, follow, alone, scratch);
  }
  /// Whether a response may be pooled in its own pass.
  [[nodiscard]] static constexpr bool pools(const linear_map& map) { return direct::takes(map); }

  /// The response, and in the same pass over tiles what a local rule sums.
  template <class Gate, class FollowUp = kernel::no_follow_up>
  void respond_and_learn(const linear_map& map, std::size_t samples, const Scalar* x, const Scalar* w,
                         const Scalar* bias, Scalar* u, const Gate& gate, const learn_options& how, const Scalar* h,
                         const accumulators<Scalar>& sums, carver scratch, const FollowUp& then = {}) const {
    static_assert(std::is_trivially_copyable_v<Gate>, "localis: a gate is a trivially copyable function object");
    if (map.depthwise()) {
      depthwise::respond_and_learn(map, samples, x, w, bias, u, gate, how, h, sums, lanes_for(map, samples), scratch);
      follow(*this, map.rows(samples), map.outputs(), u, then, scratch);
      return;
    }
    const std::size_t outputs = map.outputs();
    const std::size_t inputs = map.inputs();
    const bool windows = reads_windows(map, how) && h == nullptr;
    const carver alone = scratch;
    const learn_arrays at = learn_carve(map, samples, how, windows, then.pool, scratch);
    if (map.dense()) {
      if (!how.responded) dense_response(map, samples, x, w, u);
      const range all{0, samples};
      std::fill_n(sums.sum, map.weights(), Scalar(0));
      lane_sums<Scalar>::clear_others(map, how, sums);
      const learned_rows learned = gate_rows(map, all, x, u, gate, how, h, sums, at, 0);
      block<const Scalar> seen = learned.inputs;
      if (how.inputs) add_column_sums(seen, sums.input);
      if (how.reconstructs) {
        seen = remainder_of(learned, at.remainder);
        split_columns(seen.rows * outputs, inputs, [&](range columns) {
          subtract_ab<Scalar>(learned.plain, {w + columns.begin, outputs, columns.size(), inputs},
                              {at.remainder + columns.begin, seen.rows, columns.size(), inputs});
        });
      }
      split_columns(seen.rows * outputs, inputs, [&](range columns) {
        add_product(learned.gates, {seen.data + columns.begin, seen.rows, columns.size(), seen.stride},
                    {sums.sum + columns.begin, outputs, columns.size(), inputs}, how);
      });
      if (bias != nullptr) add_to_rows(rows_of(u, samples, outputs), bias);
      follow(*this, samples, outputs, u, then, alone);
      return;
    }
    const tile_end<Scalar> end = end_start(map, at.rows, then, scratch);
    const std::size_t lanes = lanes_for(map, samples);
    at.lanes->clear(lanes, sums);
    if (windows) {
      if (!how.responded) direct::pack(outputs, inputs, weight_of{w, inputs}, lanes, at.direct->weights);
      for_windows(map, *at.direct, samples, x, [&](std::size_t lane, range rows, const direct::windows<Scalar>& tile) {
        const accumulators<Scalar> mine = at.lanes->of(lane, sums);
        Scalar* out = end.response(lane, rows, u);
        if (!how.responded) direct::respond(tile, at.direct->weights, outputs, inputs, out);
        const learned_rows learned = gate_rows(map, rows, nullptr, out, gate, how, h, mine, at, lane);
        const direct::windows<Scalar> seen = tile.part(learned.start, learned.gates.rows, how.rows.every);
        if (how.inputs) direct::add_inputs(seen, mine.input);
        if (at.lanes->in_panels()) {
          direct::add_product(seen, learned.gates.data, outputs, inputs, part_of_lane(at, lane), mine.sum);
        } else {
          direct::add_sparse_product(seen, learned.gates.data, outputs, inputs, mine.sum);
        }
        end(lane, rows, out, bias, u, then);
      });
    } else {
      for_tiles(map, samples, x, at.columns, [&](std::size_t lane, range rows, const Scalar* tile) {
        const accumulators<Scalar> mine = at.lanes->of(lane, sums);
        Scalar* out = u + rows.begin * outputs;
        if (!how.responded) tile_response(map, rows_of(tile, rows.size(), map.seen()), w, out);
        const learned_rows learned = gate_rows(map, rows, tile, out, gate, how, h, mine, at, lane);
        block<const Scalar> seen = learned.inputs;
        if (how.inputs) add_column_sums(seen, mine.input);
        if (how.reconstructs) {
          Scalar* remainder = at.remainder + lane * at.rows * inputs;
          seen = remainder_of(learned, remainder);
          subtract_ab<Scalar>(learned.plain, rows_of(w, outputs, inputs), rows_of(remainder, seen.rows, inputs));
        }
        for (std::size_t g = 0; g < map.groups; ++g) {
          add_product(units_of(map, g, learned.gates), inputs_of(map, g, seen), sums_of(map, g, mine.sum), how);
        }
        end(lane, rows, out, bias, u, then);
      });
    }
    at.lanes->add_up(lanes, lanes_for(map.weights()), sums);
    end.finish(then);
  }
  void learn_scratch(const linear_map& map, std::size_t samples, const learn_options& how, carver& scratch,
                     const follow_options& follow = {}) const {
    carver alone = scratch;
    if (map.depthwise()) {
      (void)depthwise::learn_arrays<Scalar>(map, how, lanes_, scratch);
    } else {
      const carver start = scratch;
      for (const bool windows : {true, false}) {
        if (windows ? !reads_windows(map, how) : reads_windows(map, how) && !how.sees_other) continue;
        carver form = start;
        const learn_arrays at = learn_carve(map, samples, how, windows, follow.pool, form);
        if (!map.dense()) (void)tile_end<Scalar>(map, at.rows, lanes_, follow, form);
        if (form.used() > scratch.used()) scratch = form;
      }
    }
    whole_end_scratch(map, samples, follow, alone, scratch);
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
                       Scalar* db, carver scratch) const {
    if (map.depthwise()) {
      depthwise::weight_gradient(map, samples, x, d, dw, db, lanes_for(map, samples), scratch);
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
    const learn_arrays at = tile_carve(map, {}, direct::takes(map), 1, scratch);
    const accumulators<Scalar> sums{dw, db, nullptr, nullptr};
    const std::size_t lanes = lanes_for(map, samples);
    at.lanes->clear(lanes, sums);
    if (at.direct) {
      for_windows(map, *at.direct, samples, x, [&](std::size_t lane, range rows, const direct::windows<Scalar>& tile) {
        const accumulators<Scalar> mine = at.lanes->of(lane, sums);
        const Scalar* error = d + rows.begin * outputs;
        direct::add_product(tile, error, outputs, inputs, part_of_lane(at, lane), mine.sum);
        if (db != nullptr) add_column_sums(rows_of(error, rows.size(), outputs), mine.unit);
      });
      at.lanes->add_up(lanes, lanes_for(map.weights()), sums);
      return;
    }
    for_tiles(map, samples, x, at.columns, [&](std::size_t lane, range rows, const Scalar* tile) {
      const accumulators<Scalar> mine = at.lanes->of(lane, sums);
      const Scalar* error = d + rows.begin * outputs;
      for (std::size_t g = 0; g < map.groups; ++g) {
        multiply_atb<Scalar>(units_of(map, g, rows_of(error, rows.size(), outputs)),
                             inputs_of(map, g, rows_of(tile, rows.size(), map.seen())), sums_of(map, g, mine.sum),
                             true);
      }
      if (db != nullptr) add_column_sums(rows_of(error, rows.size(), outputs), mine.unit);
    });
    at.lanes->add_up(lanes, lanes_for(map.weights()), sums);
  }
  void weight_gradient_scratch(const linear_map& map, std::size_t, carver& scratch) const {
    if (map.depthwise()) {
      (void)depthwise::partial_sums<Scalar>(map, {}, lanes_, scratch);
    } else if (!map.dense()) {
      (void)tile_carve(map, {}, direct::takes(map), 1, scratch);
    }
  }

  /// dx = D W, folded back onto the input. Windows one pixel apart: the response of D to W turned around.
  void input_gradient(const linear_map& map, std::size_t samples, const Scalar* d, const Scalar* w, Scalar* dx,
                      carver scratch) const {
    if (map.depthwise()) {
      depthwise::input_gradient(map, samples, d, w, dx, lanes_for(map, samples), scratch);
      return;
    }
    const std::size_t outputs = map.outputs();
    const std::size_t inputs = map.inputs();
    if (map.dense()) {
      const bool by_rows = samples >= inputs;
      const std::size_t lanes = lanes_for(map, samples);
      parallel_for(lanes, [&](std::size_t lane) {
        const range rows = by_rows ? part_of(samples, lane, lanes) : range{0, samples};
        const range columns = by_rows ? range{0, inputs} : part_of(inputs, lane, lanes, 16);
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
                      kernel::no_follow_up{}, scratch);
      return;
    }
    Scalar* columns = columns_scratch(map, scratch);
    const std::size_t positions = map.out.positions();
    const std::size_t most = tile_rows(map);
    // Windows of one image overlap, so that an image belongs to one lane; small images share a tile.
    const std::size_t together = std::max<std::size_t>(1, most / positions);
    const std::size_t lanes = (std::min)(lanes_for(map, samples), samples);
    parallel_for(lanes, [&](std::size_t lane) {
      const range mine = part_of(samples, lane, lanes);
      Scalar* tile = columns + lane * most * map.seen();
      for (std::size_t first = mine.begin; first < mine.end; first += together) {
        const std::size_t last = (std::min)(mine.end, first + together);
        std::fill(dx + first * map.in.size(), dx + last * map.in.size(), Scalar(0));
        for (std::size_t row = first * positions; row < last * positions; row += most) {
          const std::size_t end = (std::min)(last * positions, row + most);
          const block<const Scalar> error = rows_of(d + row * outputs, end - row, outputs);
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
  void input_gradient_scratch(const linear_map& map, std::size_t, carver& scratch) const {
    if (map.depthwise()) {
      (void)scratch.take<Scalar>(map.weights());
    } else if (direct::takes_gradient(map)) {
      (void)direct_carve(direct::gradient_map(map), 1, scratch);
    } else if (!map.dense()) {
      (void)columns_scratch(map, scratch);
    }
  }

 private:
  // Group g's part of what rows of units, rows of their inputs, and weights hold.
  static block<const Scalar> units_of(const linear_map& map, std::size_t g, const block<const Scalar>& all) {
    const std::size_t units = map.outputs() / map.groups;
    return {all.data + g * units, all.rows, units, all.stride};
  }
  static block<const Scalar> inputs_of(const linear_map& map, std::size_t g, const block<const Scalar>& all) {
    return {all.data + g * map.inputs(), all.rows, map.inputs(), all.stride};
  }
  static block<const Scalar> weights_of(const linear_map& map, std::size_t g, const Scalar* w) {
    return rows_of(w + g * map.weights() / map.groups, map.outputs() / map.groups, map.inputs());
  }
  static block<Scalar> sums_of(const linear_map& map, std::size_t g, Scalar* sum) {
    return rows_of(sum + g * map.weights() / map.groups, map.outputs() / map.groups, map.inputs());
  }
  /// u = X W^T of some rows of X.
  static void tile_response(const linear_map& map, const block<const Scalar>& x, const Scalar* w, Scalar* u) {
    const std::size_t units = map.outputs() / map.groups;
    for (std::size_t g = 0; g < map.groups; ++g) {
      multiply_abt<Scalar>(inputs_of(map, g, x), weights_of(map, g, w), {u + g * units, x.rows, units, map.outputs()},
                           false);
    }
  }

  [[nodiscard]] std::size_t lanes_for(std::size_t elements) const { return elements < grain_ ? 1 : lanes_; }
  [[nodiscard]] std::size_t lanes_for(const linear_map& map, std::size_t samples) const {
    return lanes_for(map.rows(samples) * map.weights() / 16);
  }
  [[nodiscard]] static std::size_t chunks_of(std::size_t rows) {
    return std::clamp<std::size_t>((rows + 255) / 256, 1, 64);
  }
  struct reduce_arrays {
    double* chunks;  ///< by chunk
    Scalar* parts;   ///< by lane
  };
  [[nodiscard]] reduce_arrays reduce_carve(std::size_t rows, std::size_t columns, std::size_t count,
                                           carver& scratch) const {
    return {scratch.take<double>(chunks_of(rows) * count * columns), scratch.take<Scalar>(lanes_ * count * columns)};
  }

  /// Rows of X in a tile.
  [[nodiscard]] std::size_t tile_rows(const linear_map& map) const {
    return std::clamp<std::size_t>(tile_bytes_ / (map.seen() * sizeof(Scalar)), 64, 1024) / 16 * 16;
  }
  /// Each lane's tile of the unfolded input.
  Scalar* columns_scratch(const linear_map& map, carver& scratch) const {
    return map.pointwise() ? nullptr : scratch.take<Scalar>(lanes_ * tile_rows(map) * map.seen());
  }

  /// body(lane, rows, tile) for each tile of X; lanes own contiguous stretches of tiles.
  template <class Body>
  void for_tiles(const linear_map& map, std::size_t samples, const Scalar* x, Scalar* columns, const Body& body) const {
    const std::size_t most = tile_rows(map);
    const std::size_t positions = map.out.positions();
    const std::size_t seen = map.seen();
    const std::size_t lanes = lanes_for(map, samples);
    parallel_for(lanes, [&](std::size_t lane) {
      const range mine = part_of(map.rows(samples), lane, lanes, most);
      for (std::size_t row = mine.begin; row < mine.end; row += most) {
        const range rows{row, (std::min)(mine.end, row + most)};
        if (map.pointwise()) {
          body(lane, rows, x + rows.begin * seen);
          continue;
        }
        Scalar* tile = columns + lane * most * seen;
        for (std::size_t r = rows.begin; r < rows.end; ++r) {
          kernel::unfold_row<Scalar>(map, x + r / positions * map.in.size(), r % positions,
                                     tile + (r - rows.begin) * seen);
        }
        body(lane, rows, static_cast<const Scalar*>(tile));
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
  [[nodiscard]] direct_arrays direct_carve(const linear_map& map, std::size_t pool, carver& scratch) const {
    const direct::tiling<Scalar> cut(map, tile_bytes_, pool);
    return {cut,
            {map, cut, lanes_, scratch},
            scratch.take<Scalar>(direct::panels_size<Scalar>(map.outputs(), map.inputs()))};
  }
  [[nodiscard]] std::size_t direct_rows(const linear_map& map, std::size_t pool) const {
    return direct::tiling<Scalar>(map, tile_bytes_, pool).rows(map);
  }
  template <class Body>
  void for_windows(const linear_map& map, const direct_arrays& at, std::size_t samples, const Scalar* x,
                   const Body& body) const {
    direct::for_tiles(map, at.cut, at.tiles, samples, x, lanes_for(map, samples), body);
  }
  template <class Weight, class FollowUp>
  void direct_response(const linear_map& map, std::size_t samples, const Scalar* x, const Weight& weight,
                       const Scalar* bias, Scalar* u, const FollowUp& then, carver scratch) const {
    const std::size_t outputs = map.outputs();
    const direct_arrays at = direct_carve(map, then.pool, scratch);
    const tile_end<Scalar> end = end_start(map, at.cut.rows(map), then, scratch);
    direct::pack(outputs, map.inputs(), weight, lanes_for(map, samples), at.weights);
    for_windows(map, at, samples, x, [&](std::size_t lane, range rows, const direct::windows<Scalar>& tile) {
      Scalar* out = end.response(lane, rows, u);
      direct::respond(tile, static_cast<const Scalar*>(at.weights), outputs, map.inputs(), out);
      end(lane, rows, out, bias, u, then);
    });
    end.finish(then);
  }
  /// Whether learning reads windows where they lie, unless gates see another response.
  [[nodiscard]] static bool reads_windows(const linear_map& map, const learn_options& how) {
    return direct::takes(map) && !how.reconstructs;
  }

  // What follows a response.

  template <class FollowUp>
  [[nodiscard]] tile_end<Scalar> end_start(const linear_map& map, std::size_t rows, const FollowUp& then,
                                           carver& scratch) const {
    const tile_end<Scalar> end(map, rows, lanes_, {FollowUp::follows, then.pool}, scratch);
    end.start();
    return end;
  }
  /// Of what follows a response that is not cut into tiles.
  void whole_end_scratch(const linear_map& map, std::size_t samples, const follow_options& how, carver alone,
                         carver& scratch) const {
    if (!how.follows || !(map.depthwise() || map.dense())) return;
    reduce_scratch(map.rows(samples), map.outputs(), 2, alone);
    if (alone.used() > scratch.used()) scratch = alone;
  }

  // Local rules.

  struct learn_arrays {
    std::optional<direct_arrays> direct;     ///< where windows are read in place
    Scalar* columns = nullptr;               ///< tiles, else
    std::size_t rows = 0;                    ///< of X in a tile
    std::optional<lane_sums<Scalar>> lanes;  ///< none for dense layers
    Scalar* part = nullptr;                  ///< of what is multiplied
    Scalar* gates = nullptr;
    Scalar* plain = nullptr;  ///< gates without the modulator
    Scalar* signal_rows = nullptr;
    Scalar* remainder = nullptr;  ///< X - G W
  };
  [[nodiscard]] learn_arrays tile_carve(const linear_map& map, const learn_options& how, bool windows, std::size_t pool,
                                        carver& scratch) const {
    learn_arrays at;
    if (windows) {
      at.direct = direct_carve(map, pool, scratch);
      at.rows = at.direct->cut.rows(map);
    } else {
      at.columns = columns_scratch(map, scratch);
      at.rows = tile_rows(map);
    }
    at.lanes.emplace(map, how, lanes_, windows && how.active_gates == 0, scratch);
    if (at.lanes->in_panels()) at.part = scratch.take<Scalar>(lanes_ * direct::product_part<Scalar>);
    return at;
  }
  [[nodiscard]] learn_arrays learn_carve(const linear_map& map, std::size_t samples, const learn_options& how,
                                         bool windows, std::size_t pool, carver& scratch) const {
    learn_arrays at;
    if (!map.dense()) at = tile_carve(map, how, windows, pool, scratch);
    const std::size_t rows = map.dense() ? samples : lanes_ * at.rows;
    at.gates = scratch.take<Scalar>(rows * map.outputs());
    if (how.modulated) at.plain = scratch.take<Scalar>(rows * map.outputs());
    if (how.sees_other) at.signal_rows = scratch.take<Scalar>(rows * map.outputs());
    if (how.reconstructs) at.remainder = scratch.take<Scalar>(rows * map.inputs());
    return at;
  }
  static Scalar* part_of_lane(const learn_arrays& at, std::size_t lane) {
    return at.part + lane * direct::product_part<Scalar>;
  }

  /// What is learned from some rows of X.
  struct learned_rows {
    block<const Scalar> gates;   ///< compact
    block<const Scalar> plain;   ///< without the modulator
    block<const Scalar> inputs;  ///< rows of X, some left out; none where X is not unfolded
    std::size_t start;           ///< the first of them, counted from the first of all
  };
  /// Gates of the rows among `rows` that are learned from, and all sums but those over X.
  ///   x, u  of the first of `rows`;  x null where it is not unfolded
  template <class Gate>
  learned_rows gate_rows(const linear_map& map, range rows, const Scalar* x, const Scalar* u, const Gate& gate,
                         const learn_options& how, const Scalar* h, const accumulators<Scalar>& sums,
                         const learn_arrays& at, std::size_t lane) const {
    const std::size_t outputs = map.outputs();
    const std::size_t width = map.seen();
    const std::size_t every = how.rows.every;
    const std::size_t skipped = how.rows.count(rows.begin);
    const std::size_t start = how.rows.first + skipped * every - rows.begin;  // may lie beyond the last row
    const std::size_t count = how.rows.count(rows.end) - skipped;
    Scalar* gates = at.gates + lane * at.rows * outputs;
    const block<const Scalar> gated = rows_of(static_cast<const Scalar*>(gates), count, outputs);
    if (count == 0) return {gated, gated, rows_of(x, 0, width), 0};
    Scalar* plain = how.modulated ? at.plain + lane * at.rows * outputs : nullptr;
    const block<const Scalar> unmodulated =
        how.modulated ? rows_of(static_cast<const Scalar*>(plain), count, outputs) : gated;
    const block<const Scalar> seen =
        x == nullptr ? rows_of(x, 0, width) : block<const Scalar>{x + start * width, count, width, every * width};
    block<const Scalar> signal_rows{u + start * outputs, count, outputs, every * outputs};
    if (how.sees_other) {
      const block<Scalar> other = rows_of(at.signal_rows + lane * at.rows * outputs, count, outputs);
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
                how.modulated ? plain + j * outputs : nullptr);
      gate.add(0, outputs, signal, gates + j * outputs, sums.unit);
    }
    if (how.matrix) multiply_atb<Scalar>(gated, unmodulated, rows_of(sums.matrix, outputs, outputs), true);
    return {gated, unmodulated, seen, start};
  }
  /// X, to be subtracted from.
  static block<const Scalar> remainder_of(const learned_rows& learned, Scalar* to) {
    const block<const Scalar>& from = learned.inputs;
    for (std::size_t j = 0; j < from.rows; ++j) {
      std::copy(from.data + j * from.stride, from.data + j * from.stride + from.columns, to + j * from.columns);
    }
    return rows_of(static_cast<const Scalar*>(to), from.rows, from.columns);
  }
  /// sum += G^T X. Where few gates of a row are not 0, row by row: a product would multiply zeros.
  static void add_product(const block<const Scalar>& gates, const block<const Scalar>& x, const block<Scalar>& sum,
                          const learn_options& how) {
    if (x.rows == 0 || x.columns == 0) return;
    if (how.active_gates == 0) {
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
  // Dense: all of X is at hand and small in rows, so that lanes split the result rather than the sum.
  void dense_response(const linear_map& map, std::size_t samples, const Scalar* x, const Scalar* w, Scalar* u) const {
    const std::size_t outputs = map.outputs();
    const std::size_t inputs = map.inputs();
    const bool by_rows = samples >= outputs;
    const std::size_t lanes = lanes_for(map, samples);
    parallel_for(lanes, [&](std::size_t lane) {
      const range rows = by_rows ? part_of(samples, lane, lanes, 8) : range{0, samples};
      const range columns = by_rows ? range{0, outputs} : part_of(outputs, lane, lanes, 8);
      if (rows.size() == 0 || columns.size() == 0) return;
      multiply_abt<Scalar>(rows_of(x + rows.begin * inputs, rows.size(), inputs),
                           rows_of(w + columns.begin * inputs, columns.size(), inputs),
                           {u + rows.begin * outputs + columns.begin, rows.size(), columns.size(), outputs}, false);
    });
  }
  /// body(columns) for parts of a product's columns, on as many threads as its work is worth.
  template <class Body>
  void split_columns(std::size_t work_of_column, std::size_t columns, const Body& body) const {
    const std::size_t lanes = lanes_for(work_of_column * columns / 16);
    parallel_for(lanes, [&](std::size_t lane) {
      const range mine = part_of(columns, lane, lanes, 16);
      if (mine.size() > 0) body(mine);
    });
  }

  std::size_t lanes_;
  std::size_t tile_bytes_;
  std::size_t grain_;
};

static_assert(localis::backend<backend<double>>);

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu
