#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <type_traits>

#include <localis/config.hpp>
#include <localis/core/backend.hpp>
#include <localis/core/carver.hpp>
#include <localis/core/error.hpp>
#include <localis/core/memory.hpp>
#include <localis/core/shape.hpp>
#include <localis/cpu/gemm.hpp>
#include <localis/cpu/parallel.hpp>
#include <localis/fwd.hpp>
#include <localis/kernel/unfold.hpp>
#include <localis/rule/rule.hpp>

namespace localis::cpu {

struct options {
  std::size_t threads = 0;  ///< 0: as many as OpenMP would use
  /// Bytes of unfolded input that a thread works on at once. A fixed number rather than a cache size asked of the
  /// machine: results then depend on the thread count alone.
  std::size_t tile_bytes = std::size_t{256} * 1024;
  /// Less work than this many elements, or 16 times as many multiply-adds, stays on one thread.
  std::size_t grain = 16384;
};

/// Arrays in host memory, matrix products by Eigen, loops and tiles over OpenMP threads.
///
/// Convolutions never unfold the whole input: a tile of rows of X is unfolded into L2 and used there, for the response
/// and for the local rule alike. Results depend on the thread count (partial weight products are added lane by lane, in
/// order), not on timing. A copy shares the memory counters.
template <class Scalar>
class backend {
 public:
  using scalar = Scalar;
  using memory = host_memory;
  template <class T>
  using array = buffer<T, host_memory>;
  static constexpr const char* name = "cpu";

  backend() : backend(options{}) {}
  explicit backend(const options& chosen)
      : lanes_(chosen.threads == 0 ? available_threads() : chosen.threads),
        tile_bytes_(chosen.tile_bytes),
        grain_(chosen.grain),
        memory_(std::make_shared<host_memory>()) {
    expect(lanes_ <= 4096, "cpu::options: threads", "at most 4096", lanes_);
    expect(tile_bytes_ >= 1024, "cpu::options: tile_bytes", "at least 1024", tile_bytes_);
  }

  [[nodiscard]] std::size_t threads() const { return lanes_; }
  [[nodiscard]] memory_counters& counters() const { return memory_->counters(); }
  /// Vector instructions that Eigen was compiled for, for example "AVX512, FMA, AVX2, ...".
  [[nodiscard]] static std::string instructions() { return Eigen::SimdInstructionSetsInUse(); }

  // Memory.

  template <class T>
  [[nodiscard]] array<T> allocate(memory_kind kind, std::size_t size) const {
    return array<T>(memory_, kind, size);
  }
  template <class T>
  void upload(std::span<const T> from, T* to) const {
    std::copy(from.begin(), from.end(), to);
  }
  template <class T>
  void download(const T* from, std::span<T> to) const {
    std::copy(from, from + to.size(), to.begin());
  }
  void copy(const Scalar* from, std::size_t size, Scalar* to) const {
    parallel_for(lanes_for(size), [&](std::size_t lane) {
      const range mine = part_of(size, lane, lanes_for(size));
      std::copy(from + mine.begin, from + mine.end, to + mine.begin);
    });
  }

  // Loops.

  /// f(row, 0, columns) for each row. Rows do not depend on each other.
  template <class Kernel>
  void for_rows(std::size_t rows, std::size_t columns, const Kernel& f) const {
    for_samples(rows, columns, columns, f);
  }
  /// f(sample, 0, channels) for each sample, which is `work` elements of work.
  template <class Kernel>
  void for_samples(std::size_t samples, std::size_t work, std::size_t channels, const Kernel& f) const {
    static_assert(std::is_trivially_copyable_v<Kernel>, "localis: a kernel is a trivially copyable function object");
    const std::size_t lanes = std::min(samples, lanes_for(samples * work));
    parallel_for(lanes, [&, kernel = f](std::size_t lane) {
      const range mine = part_of(samples, lane, lanes);
      for (std::size_t row = mine.begin; row < mine.end; ++row) kernel(row, 0, channels);
    });
  }

  /// sums[k][c] = sum over rows of what f(row, 0, columns, sums) adds. Rows are cut into chunks that depend on `rows`
  /// alone, and the chunks' sums added in order: the same bytes on any number of threads.
  template <class Kernel>
  void reduce_columns(std::size_t rows, std::size_t columns, std::size_t count, const Kernel& f, Scalar* sums,
                      carver scratch) const {
    static_assert(std::is_trivially_copyable_v<Kernel>, "localis: a kernel is a trivially copyable function object");
    const std::size_t chunks = chunks_of(rows);
    const std::size_t size = count * columns;
    const std::size_t lanes = std::min(chunks, lanes_for(rows * columns));
    Scalar* parts = reduce_parts(rows, columns, count, scratch);
    parallel_for(lanes, [&, kernel = f](std::size_t lane) {
      const range mine = part_of(chunks, lane, lanes);
      for (std::size_t chunk = mine.begin; chunk < mine.end; ++chunk) {
        Scalar* part = parts + chunk * size;
        std::fill(part, part + size, Scalar(0));
        const range stretch = part_of(rows, chunk, chunks);
        for (std::size_t row = stretch.begin; row < stretch.end; ++row) kernel(row, 0, columns, part);
      }
    });
    for (std::size_t i = 0; i < size; ++i) {
      double sum = 0;
      for (std::size_t chunk = 0; chunk < chunks; ++chunk) sum += static_cast<double>(parts[chunk * size + i]);
      sums[i] = static_cast<Scalar>(sum);
    }
  }
  void reduce_scratch(std::size_t rows, std::size_t columns, std::size_t count, carver& scratch) const {
    (void)reduce_parts(rows, columns, count, scratch);
  }

  // Linear maps.

  /// u = X W^T + b.   x: the layer's input,  w: O x I,  bias: O or null,  u: P x O
  void respond(const linear_map& map, std::size_t samples, const Scalar* x, const Scalar* w, const Scalar* bias,
               Scalar* u, carver scratch) const {
    if (map.dense()) {
      dense_response(map, samples, x, w, u);
      if (bias != nullptr) add_bias_to(u, samples, map.outputs(), bias);
      return;
    }
    Scalar* columns = columns_scratch(map, scratch);
    for_tiles(map, samples, x, columns, [&](std::size_t, range rows, const Scalar* tile) {
      Scalar* out = u + rows.begin * map.outputs();
      multiply_abt<Scalar>(rows_of(tile, rows.size(), map.inputs()), rows_of(w, map.outputs(), map.inputs()),
                           rows_of(out, rows.size(), map.outputs()), false);
      if (bias != nullptr) add_bias_to(out, rows.size(), map.outputs(), bias);
    });
  }
  void respond_scratch(const linear_map& map, std::size_t, carver& scratch) const {
    if (!map.dense()) (void)columns_scratch(map, scratch);
  }

  /// The response, and in the same pass over tiles what a local rule needs: sum = G^T X, forget_o = sum_p G R.
  template <class Rule>
  void respond_and_learn(const linear_map& map, std::size_t samples, const Scalar* x, const Scalar* w,
                         const Scalar* bias, Scalar* u, const Rule& rule, accumulators<Scalar> sums,
                         carver scratch) const {
    const std::size_t outputs = map.outputs();
    const std::size_t inputs = map.inputs();
    const learn_arrays at = learn_carve(map, samples, scratch);
    if (map.dense()) {
      dense_response(map, samples, x, w, u);
      std::fill(sums.forget, sums.forget + outputs, Scalar(0));
      gate_rows(rule, u, samples, outputs, at.gates, sums.forget);
      dense_product(at.gates, samples, outputs, x, inputs, sums.sum);
      if (bias != nullptr) add_bias_to(u, samples, outputs, bias);
      return;
    }
    clear_lanes(at, map, sums);
    for_tiles(map, samples, x, at.columns, [&](std::size_t lane, range rows, const Scalar* tile) {
      const accumulators<Scalar> mine = lane_sums(lane, at, map, sums);
      Scalar* out = u + rows.begin * outputs;
      Scalar* gates = at.gates + lane * tile_rows(map) * outputs;
      multiply_abt<Scalar>(rows_of(tile, rows.size(), inputs), rows_of(w, outputs, inputs),
                           rows_of(out, rows.size(), outputs), false);
      gate_rows(rule, out, rows.size(), outputs, gates, mine.forget);
      multiply_atb<Scalar>(rows_of(static_cast<const Scalar*>(gates), rows.size(), outputs),
                           rows_of(tile, rows.size(), inputs), rows_of(mine.sum, outputs, inputs), true);
      if (bias != nullptr) add_bias_to(out, rows.size(), outputs, bias);
    });
    add_lanes(at, map, sums);
  }
  void learn_scratch(const linear_map& map, std::size_t samples, carver& scratch) const {
    (void)learn_carve(map, samples, scratch);
  }

  /// dw = D^T X,  db = column sums of D (where db is not null).   d: P x O
  void weight_gradient(const linear_map& map, std::size_t samples, const Scalar* x, const Scalar* d, Scalar* dw,
                       Scalar* db, carver scratch) const {
    const std::size_t outputs = map.outputs();
    const std::size_t inputs = map.inputs();
    if (map.dense()) {
      dense_product(d, samples, outputs, x, inputs, dw);
      if (db != nullptr) {
        std::fill(db, db + outputs, Scalar(0));
        add_column_sums(d, samples, outputs, db);
      }
      return;
    }
    const learn_arrays at = gradient_carve(map, scratch);
    const accumulators<Scalar> sums{dw, db};
    clear_lanes(at, map, sums);
    for_tiles(map, samples, x, at.columns, [&](std::size_t lane, range rows, const Scalar* tile) {
      const accumulators<Scalar> mine = lane_sums(lane, at, map, sums);
      const Scalar* error = d + rows.begin * outputs;
      multiply_atb<Scalar>(rows_of(error, rows.size(), outputs), rows_of(tile, rows.size(), inputs),
                           rows_of(mine.sum, outputs, inputs), true);
      if (db != nullptr) add_column_sums(error, rows.size(), outputs, mine.forget);
    });
    add_lanes(at, map, sums);
  }
  void weight_gradient_scratch(const linear_map& map, std::size_t, carver& scratch) const {
    if (!map.dense()) (void)gradient_carve(map, scratch);
  }

  /// dx = D W, folded back onto the input.
  void input_gradient(const linear_map& map, std::size_t samples, const Scalar* d, const Scalar* w, Scalar* dx,
                      carver scratch) const {
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
    Scalar* columns = columns_scratch(map, scratch);
    const std::size_t positions = map.out.positions();
    const std::size_t most = tile_rows(map);
    // Windows of one image overlap, so that an image belongs to one lane; small images share a tile.
    const std::size_t group = std::max<std::size_t>(1, most / positions);
    const std::size_t lanes = std::min(lanes_for(map, samples), samples);
    parallel_for(lanes, [&](std::size_t lane) {
      const range mine = part_of(samples, lane, lanes);
      Scalar* tile = columns + lane * most * inputs;
      for (std::size_t first = mine.begin; first < mine.end; first += group) {
        const std::size_t last = std::min(mine.end, first + group);
        std::fill(dx + first * map.in.size(), dx + last * map.in.size(), Scalar(0));
        for (std::size_t row = first * positions; row < last * positions; row += most) {
          const std::size_t end = std::min(last * positions, row + most);
          const block<const Scalar> error = rows_of(d + row * outputs, end - row, outputs);
          if (map.pointwise()) {
            multiply_ab<Scalar>(error, rows_of(w, outputs, inputs), rows_of(dx + row * inputs, end - row, inputs),
                                false);
            continue;
          }
          multiply_ab<Scalar>(error, rows_of(w, outputs, inputs), rows_of(tile, end - row, inputs), false);
          for (std::size_t at = row; at < end; ++at) {
            kernel::fold_row<Scalar>(map, tile + (at - row) * inputs, at % positions,
                                     dx + at / positions * map.in.size());
          }
        }
      }
    });
  }
  void input_gradient_scratch(const linear_map& map, std::size_t, carver& scratch) const {
    if (!map.dense()) (void)columns_scratch(map, scratch);
  }

 private:
  static block<const Scalar> rows_of(const Scalar* data, std::size_t rows, std::size_t columns) {
    return {data, rows, columns, columns};
  }
  static block<Scalar> rows_of(Scalar* data, std::size_t rows, std::size_t columns) {
    return {data, rows, columns, columns};
  }

  [[nodiscard]] std::size_t lanes_for(std::size_t elements) const { return elements < grain_ ? 1 : lanes_; }
  [[nodiscard]] std::size_t lanes_for(const linear_map& map, std::size_t samples) const {
    return lanes_for(map.rows(samples) * map.weights() / 16);
  }
  [[nodiscard]] static std::size_t chunks_of(std::size_t rows) {
    return std::clamp<std::size_t>((rows + 255) / 256, 1, 64);
  }
  static Scalar* reduce_parts(std::size_t rows, std::size_t columns, std::size_t count, carver& scratch) {
    return scratch.take<Scalar>(chunks_of(rows) * count * columns);
  }

  /// Rows of X in a tile.
  [[nodiscard]] std::size_t tile_rows(const linear_map& map) const {
    return std::clamp<std::size_t>(tile_bytes_ / (map.inputs() * sizeof(Scalar)), 64, 1024) / 16 * 16;
  }
  /// Each lane's tile of the unfolded input.
  Scalar* columns_scratch(const linear_map& map, carver& scratch) const {
    return map.pointwise() ? nullptr : scratch.take<Scalar>(lanes_ * tile_rows(map) * map.inputs());
  }

  /// body(lane, rows, tile) for each tile of X; lanes own contiguous stretches of tiles.
  template <class Body>
  void for_tiles(const linear_map& map, std::size_t samples, const Scalar* x, Scalar* columns, const Body& body) const {
    const std::size_t most = tile_rows(map);
    const std::size_t positions = map.out.positions();
    const std::size_t inputs = map.inputs();
    const std::size_t lanes = lanes_for(map, samples);
    parallel_for(lanes, [&](std::size_t lane) {
      const range mine = part_of(map.rows(samples), lane, lanes, most);
      for (std::size_t row = mine.begin; row < mine.end; row += most) {
        const range rows{row, std::min(mine.end, row + most)};
        if (map.pointwise()) {
          body(lane, rows, x + rows.begin * inputs);
          continue;
        }
        Scalar* tile = columns + lane * most * inputs;
        for (std::size_t r = rows.begin; r < rows.end; ++r) {
          kernel::unfold_row<Scalar>(map, x + r / positions * map.in.size(), r % positions,
                                     tile + (r - rows.begin) * inputs);
        }
        body(lane, rows, static_cast<const Scalar*>(tile));
      }
    });
  }

  // Partial sums: lane 0 adds into the result itself, the others into their own copies.
  struct learn_arrays {
    Scalar* columns = nullptr;
    Scalar* gates = nullptr;
    Scalar* sums = nullptr;
    Scalar* forget = nullptr;
  };
  [[nodiscard]] learn_arrays gradient_carve(const linear_map& map, carver& scratch) const {
    learn_arrays at;
    at.columns = columns_scratch(map, scratch);
    at.sums = scratch.take<Scalar>((lanes_ - 1) * map.weights());
    at.forget = scratch.take<Scalar>((lanes_ - 1) * map.outputs());
    return at;
  }
  [[nodiscard]] learn_arrays learn_carve(const linear_map& map, std::size_t samples, carver& scratch) const {
    learn_arrays at;
    if (!map.dense()) at = gradient_carve(map, scratch);
    at.gates = scratch.take<Scalar>((map.dense() ? samples : lanes_ * tile_rows(map)) * map.outputs());
    return at;
  }
  static accumulators<Scalar> lane_sums(std::size_t lane, const learn_arrays& at, const linear_map& map,
                                        const accumulators<Scalar>& first) {
    if (lane == 0) return first;
    return {at.sums + (lane - 1) * map.weights(), at.forget + (lane - 1) * map.outputs()};
  }
  void clear_lanes(const learn_arrays& at, const linear_map& map, const accumulators<Scalar>& first) const {
    for (std::size_t lane = 0; lane < lanes_; ++lane) {
      const accumulators<Scalar> sums = lane_sums(lane, at, map, first);
      std::fill(sums.sum, sums.sum + map.weights(), Scalar(0));
      if (sums.forget != nullptr) std::fill(sums.forget, sums.forget + map.outputs(), Scalar(0));
    }
  }
  void add_lanes(const learn_arrays& at, const linear_map& map, const accumulators<Scalar>& first) const {
    for (std::size_t lane = 1; lane < lanes_; ++lane) {
      const accumulators<Scalar> sums = lane_sums(lane, at, map, first);
      for (std::size_t i = 0; i < map.weights(); ++i) first.sum[i] += sums.sum[i];
      if (first.forget == nullptr) continue;
      for (std::size_t o = 0; o < map.outputs(); ++o) first.forget[o] += sums.forget[o];
    }
  }

  template <class Rule>
  static void gate_rows(const Rule& rule, const Scalar* u, std::size_t rows, std::size_t outputs, Scalar* gates,
                        Scalar* forget) {
    for (std::size_t row = 0; row < rows; ++row) {
      const Scalar* in = u + row * outputs;
      Scalar* out = gates + row * outputs;
      rule::gate_row(rule, in, out, outputs);
      if constexpr (rule::has_recall<Rule>) {
        LOCALIS_VECTORIZE
        for (std::size_t o = 0; o < outputs; ++o) forget[o] += out[o] * rule.recall(in[o]);
      }
    }
  }
  static void add_bias_to(Scalar* u, std::size_t rows, std::size_t outputs, const Scalar* bias) {
    for (std::size_t row = 0; row < rows; ++row) {
      Scalar* out = u + row * outputs;
      LOCALIS_VECTORIZE
      for (std::size_t o = 0; o < outputs; ++o) out[o] += bias[o];
    }
  }
  static void add_column_sums(const Scalar* d, std::size_t rows, std::size_t outputs, Scalar* sums) {
    for (std::size_t row = 0; row < rows; ++row) {
      const Scalar* in = d + row * outputs;
      LOCALIS_VECTORIZE
      for (std::size_t o = 0; o < outputs; ++o) sums[o] += in[o];
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
  /// sum = G^T X, lanes split the inputs.
  void dense_product(const Scalar* g, std::size_t samples, std::size_t outputs, const Scalar* x, std::size_t inputs,
                     Scalar* sum) const {
    const std::size_t lanes = lanes_for(samples * outputs * inputs / 16);
    parallel_for(lanes, [&](std::size_t lane) {
      const range columns = part_of(inputs, lane, lanes, 16);
      if (columns.size() == 0) return;
      multiply_atb<Scalar>(rows_of(g, samples, outputs), {x + columns.begin, samples, columns.size(), inputs},
                           {sum + columns.begin, outputs, columns.size(), inputs}, false);
    });
  }

  std::size_t lanes_;
  std::size_t tile_bytes_;
  std::size_t grain_;
  std::shared_ptr<host_memory> memory_;
};

static_assert(localis::backend<backend<double>>);

}  // namespace localis::cpu
