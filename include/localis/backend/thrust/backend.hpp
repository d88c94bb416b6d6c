#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include <localis/backend/concept.hpp>
#include <localis/backend/thrust/product.hpp>
#include <localis/core/error.hpp>
#include <localis/core/memory.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>
#include <localis/fwd.hpp>
#include <localis/kernel/depthwise.hpp>
#include <localis/kernel/divide.hpp>
#include <localis/kernel/elementwise.hpp>
#include <localis/kernel/epilogue.hpp>
#include <localis/kernel/launch.hpp>
#include <localis/kernel/unfold.hpp>

namespace localis::device {

/// A backend whose loops are launches, n independent calls of a function object, and whose products are a BLAS's: all
/// that cuda and thrust_host share. It knows no Eigen, no cuBLAS and no thread.
///
/// Convolutions unfold a chunk of rows of X at a time. All sums over rows are taken in chunks that depend on the number
/// of rows alone, added in order: the same bytes on every run.
///
/// `Operand` is the type in which X, W, gates and gradients are stored for the products with X and W, for which alone
/// they are rounded; all else is stored, and every sum is taken, in Scalar.
///
/// `System` says where arrays live and who runs what:
///   memory                              as core/memory.hpp has it
///   name                                of the backend
///   array<T> allocate<T>(kind, n), upload(span, T*), download(const T*, span), copy(const T*, n, T*),
///   make_readback<T>(n)
///   launch(n, f)                        f(0) ... f(n - 1) in any order, behind all that was launched before
///   multiply(product)                   likewise
///   by_element                          a call takes one column of a row, neighbours neighbours; else
///   stretch()                           so many
///   chunk_bytes()                       of X that are unfolded at once
///   counters(), threads(), instructions()
template <class Scalar, class System, class Operand = Scalar>
class backend {
 public:
  using scalar = Scalar;
  using system_type = System;
  using memory = typename System::memory;
  template <class T>
  using array = buffer<T, memory>;
  static constexpr const char* name = System::name;

  backend() = default;
  explicit backend(System system) : system_(std::move(system)) {}
  template <class Options>
  explicit backend(const Options& options) requires std::is_constructible_v<System, const Options&> : system_(options) {
  }

  [[nodiscard]] const System& system() const { return system_; }
  [[nodiscard]] std::size_t threads() const { return system_.threads(); }
  [[nodiscard]] memory_counters& counters() const { return system_.counters(); }
  [[nodiscard]] static std::string instructions() { return System::instructions(); }

  // Memory.

  template <class T>
  [[nodiscard]] array<T> allocate(memory_kind kind, std::size_t size) const {
    return system_.template allocate<T>(kind, size);
  }
  template <class T>
  void upload(std::span<const T> from, T* to) const {
    system_.upload(from, to);
  }
  /// For batches where memory is not the host's (backend/cuda/context.hpp).
  template <class T>
  void upload_async(std::span<const T> from, T* to) const requires(!memory::host_accessible) {
    system_.upload_async(from, to);
  }
  template <class T>
  void download(const T* from, std::span<T> to) const {
    system_.download(from, to);
  }
  void copy(const Scalar* from, std::size_t size, Scalar* to) const { system_.copy(from, size, to); }
  template <class T>
  [[nodiscard]] auto make_readback(std::size_t size) const {
    return system_.template make_readback<T>(size);
  }

  // Loops.

  [[nodiscard]] std::size_t row_threads(std::size_t columns) const {
    if constexpr (System::by_element) {
      return std::clamp<std::size_t>(columns / 16, 1, 128);
    } else {
      return std::clamp<std::size_t>(columns / system_.stretch(), 1, 4);
    }
  }
  template <class Kernel>
  void for_rows(std::size_t rows, std::size_t columns, const Kernel& f) const {
    static_assert(std::is_trivially_copyable_v<Kernel>, "localis: a kernel is a trivially copyable function object");
    if (rows == 0 || columns == 0) return;
    if constexpr (System::by_element) {
      // Of as many rows as 32 bits count the elements of.
      const std::size_t most = takes_whole_rows<Kernel> ? rows : kernel::most_rows / columns;
      for (std::size_t first = 0; first < rows; first += most) {
        const std::size_t some = (std::min)(most, rows - first);
        system_.launch(takes_whole_rows<Kernel> ? some : some * columns,
                       kernel::cut_elements<Kernel>{f, first, columns});
      }
    } else {
      const std::size_t stretch = (std::min)(system_.stretch(), columns);
      const std::size_t pieces = takes_whole_rows<Kernel> ? 1 : (columns + stretch - 1) / stretch;
      system_.launch(rows * pieces, kernel::cut_rows<Kernel>{f, columns, stretch, pieces});
    }
  }
  template <class Kernel>
  void for_samples(std::size_t samples, std::size_t, std::size_t channels, const Kernel& f) const {
    for_rows(samples, channels, f);
  }
  template <class Kernel>
  void reduce_columns(std::size_t rows, std::size_t columns, std::size_t count, const Kernel& f, Scalar* sums,
                      workspace scratch) const {
    sum_rows(rows, columns, count, f, sums, false, scratch);
  }
  void reduce_scratch(std::size_t rows, std::size_t columns, std::size_t count, workspace& scratch) const {
    (void)take_reduce_arrays(rows, columns, count, scratch);
  }

  // Linear maps.

  template <class Epilogue = kernel::no_epilogue>
  void respond(const linear_map& map, std::size_t samples, const Scalar* x, const Scalar* w, const Scalar* bias,
               Scalar* u, workspace scratch, const Epilogue& epilogue = {}) const {
    const workspace start = scratch;
    if (map.depthwise()) {
      for_rows(map.rows(samples), map.outputs(), kernel::depthwise_response<Scalar>{map, x, w, u});
    } else {
      Operand* columns = columns_scratch(map, samples, scratch);
      const Operand* weights = rounded(w, map.outputs(), map.inputs(), rounded_scratch(map.weights(), scratch));
      for_chunks(map, samples, x, columns, [&](std::size_t first, std::size_t rows, const Operand* tile) {
        multiply_response(map, rows, tile, map.seen(), weights, u + first * map.outputs());
      });
    }
    end_response(map, samples, bias, u, epilogue, start);
  }
  void respond_scratch(const linear_map& map, std::size_t samples, workspace& scratch,
                       const epilogue_options& options = {}) const {
    workspace after = scratch;
    if (!map.depthwise()) {
      (void)columns_scratch(map, samples, scratch);
      (void)rounded_scratch(map.weights(), scratch);
    }
    end_scratch(map, samples, options, after, scratch);
  }
  /// Whether a response may be pooled in its own pass.
  [[nodiscard]] static constexpr bool pools(const linear_map&) { return false; }

  template <class Gate, class Epilogue = kernel::no_epilogue>
  void respond_and_learn(const linear_map& map, std::size_t samples, const Scalar* x, const Scalar* w,
                         const Scalar* bias, Scalar* u, const Gate& gate, const learn_options& options, const Scalar* h,
                         const accumulators<Scalar>& sums, workspace scratch, const Epilogue& epilogue = {}) const {
    static_assert(std::is_trivially_copyable_v<Gate>, "localis: a gate is a trivially copyable function object");
    const workspace start = scratch;
    const learn_arrays at = take_learn_arrays(map, samples, options, scratch);
    const std::size_t outputs = map.outputs();
    const std::size_t every = options.rows.every;
    const Operand* weights = nullptr;
    const Operand* others = nullptr;
    if (!map.depthwise()) {
      weights = rounded(w, outputs, map.inputs(), at.weights);
      if (h != nullptr) others = rounded(h, outputs, map.inputs(), at.others);
    }
    bool add = false;  // to what chunks before have left
    for_chunks(map, samples, x, at.columns, [&](std::size_t first, std::size_t rows, const Operand* tile) {
      if (!options.responded) {
        if (map.depthwise()) {
          depthwise_rows(map, first, rows, 1, x, w, u + first * outputs);
        } else {
          multiply_response(map, rows, tile, map.seen(), weights, u + first * outputs);
        }
      }
      const std::size_t skipped = options.rows.count(first);
      const std::size_t learned = options.rows.count(first + rows) - skipped;
      if (learned == 0) return;
      const std::size_t from = options.rows.first + skipped * every;  // row of X
      const strided<Operand> seen{map.depthwise() ? nullptr : tile + (from - first) * map.seen(), every * map.seen()};
      strided<Scalar> signal{u + from * outputs, every * outputs};
      if (options.sees_other) {
        if (h != nullptr) {
          if (map.depthwise()) {
            depthwise_rows(map, from, learned, every, x, h, at.signal_rows);
          } else {
            multiply_response(map, learned, seen.data, seen.stride, others, at.signal_rows);
          }
          signal = {at.signal_rows, outputs};
        }
        for_rows(learned, outputs,
                 kernel::see_rows<Scalar, Gate>{gate, signal.data, signal.stride, at.signal_rows, outputs});
        signal = {at.signal_rows, outputs};
      }
      for_rows(
          learned, outputs,
          kernel::open_rows<Scalar, Gate>{gate, from, every, signal.data, signal.stride, at.gates, at.plain, outputs});
      sum_rows(learned, outputs, options.unit_sums,
               kernel::gate_sums<Scalar, Gate>{gate, signal.data, signal.stride, at.gates, outputs}, sums.unit, add,
               scratch);
      add_learned(map, options, from, learned, x, w, seen, at, sums, add, scratch);
      add = true;
    });
    if (!add) clear(map, options, sums);
    end_response(map, samples, bias, u, epilogue, start);
  }
  void learn_scratch(const linear_map& map, std::size_t samples, const learn_options& options, workspace& scratch,
                     const epilogue_options& epilogue = {}) const {
    workspace after = scratch;
    (void)take_learn_arrays(map, samples, options, scratch);
    workspace most = scratch;
    const std::size_t rows = chunk_rows(map, samples);
    const auto reduces = [&](std::size_t columns, std::size_t count) {
      workspace one = scratch;
      reduce_scratch(rows, columns, count, one);
      if (one.used() > most.used()) most = one;
    };
    reduces(map.outputs(), options.unit_sums);
    if (map.depthwise()) {
      reduces(map.outputs(), map.inputs());
    } else if (options.inputs) {
      reduces(map.seen(), 1);
    }
    scratch = most;
    end_scratch(map, samples, epilogue, after, scratch);
  }

  /// c -= a b.   a: rows x inner,  b: inner x columns,  c: rows x columns
  void subtract_product(std::size_t rows, std::size_t inner, std::size_t columns, const Scalar* a, const Scalar* b,
                        Scalar* c) const {
    multiply(product<Scalar>{rows, inner, columns, {a, inner}, {b, columns}, {c, columns}, Scalar(-1), Scalar(1)});
  }

  void weight_gradient(const linear_map& map, std::size_t samples, const Scalar* x, const Scalar* d, Scalar* dw,
                       Scalar* db, workspace scratch) const {
    const workspace start = scratch;
    if (map.depthwise()) {
      Scalar* cells = scratch.take<Scalar>(map.weights());
      add_depthwise(map, map.rows(samples), {x, d, 0, 1}, cells, dw, false, scratch);
    } else {
      Operand* columns = columns_scratch(map, samples, scratch);
      Operand* gradients = rounded_scratch(chunk_rows(map, samples) * map.outputs(), scratch);
      for_chunks(map, samples, x, columns, [&](std::size_t first, std::size_t rows, const Operand* tile) {
        multiply_sum(map, rows, rounded(d + first * map.outputs(), rows, map.outputs(), gradients), {tile, map.seen()},
                     dw, first > 0);
      });
    }
    if (db != nullptr) {
      reduce_columns(map.rows(samples), map.outputs(), 1, kernel::column_sums<Scalar>{d, map.outputs()}, db, start);
    }
  }
  void weight_gradient_scratch(const linear_map& map, std::size_t samples, workspace& scratch) const {
    workspace other = scratch;
    if (map.depthwise()) {
      (void)scratch.take<Scalar>(map.weights());
      reduce_scratch(map.rows(samples), map.outputs(), map.inputs(), scratch);
    } else {
      (void)columns_scratch(map, samples, scratch);
      (void)rounded_scratch(chunk_rows(map, samples) * map.outputs(), scratch);
    }
    reduce_scratch(map.rows(samples), map.outputs(), 1, other);
    if (other.used() > scratch.used()) scratch = other;
  }

  void input_gradient(const linear_map& map, std::size_t samples, const Scalar* d, const Scalar* w, Scalar* dx,
                      workspace scratch) const {
    if (map.depthwise()) {
      for_rows(samples * map.in.positions(), map.outputs(), kernel::depthwise_input_gradient<Scalar>{map, d, w, dx});
      return;
    }
    const back_arrays at = take_back_arrays(map, samples, scratch);
    const Operand* weights = rounded(w, map.outputs(), map.inputs(), at.weights);
    for (std::size_t first = 0; first < samples; first += at.most) {
      const std::size_t count = (std::min)(at.most, samples - first);
      const Operand* gradients = rounded(d + first * map.out.size(), map.rows(count), map.outputs(), at.gradients);
      Scalar* to = dx + first * map.in.size();
      multiply_back(map, map.rows(count), gradients, weights, map.pointwise() ? to : at.columns);
      if (map.pointwise()) continue;
      for_rows(count * map.in.positions(), map.in.channels, kernel::fold_rows<Scalar>{map, at.columns, to});
    }
  }
  void input_gradient_scratch(const linear_map& map, std::size_t samples, workspace& scratch) const {
    if (!map.depthwise()) (void)take_back_arrays(map, samples, scratch);
  }

 private:
  template <class T>
  struct strided {
    const T* data;
    std::size_t stride;
  };

  // Operands of products.

  static constexpr bool rounds = !std::is_same_v<Operand, Scalar>;

  /// Nothing, where operands are not rounded.
  static Operand* rounded_scratch(std::size_t size, workspace& scratch) {
    return rounds ? scratch.take<Operand>(size) : nullptr;
  }
  /// `from` as products read it: itself, or rounded into `to`.
  const Operand* rounded(const Scalar* from, std::size_t rows, std::size_t columns, Operand* to) const {
    if constexpr (rounds) {
      for_rows(rows, columns, kernel::gather_strided<Scalar, Operand>{from, columns, to, columns});
      return to;
    } else {
      return from;
    }
  }

  // Chunks of rows of X.

  [[nodiscard]] std::size_t chunk_rows(const linear_map& map, std::size_t samples) const {
    const std::size_t row = (std::max)(map.seen() * sizeof(Operand), map.outputs() * sizeof(Scalar));
    return std::clamp<std::size_t>(system_.chunk_bytes() / row, 1, map.rows(samples));
  }
  [[nodiscard]] std::size_t chunk_samples(const linear_map& map, std::size_t samples) const {
    return std::clamp<std::size_t>(chunk_rows(map, samples) / map.out.positions(), 1, samples);
  }
  Operand* columns_scratch(const linear_map& map, std::size_t samples, workspace& scratch) const {
    if (map.pointwise() && !rounds) return nullptr;
    return scratch.take<Operand>(chunk_rows(map, samples) * map.seen());
  }
  struct back_arrays {
    std::size_t most;  ///< samples at once
    Scalar* columns = nullptr;
    Operand* weights = nullptr;
    Operand* gradients = nullptr;
  };
  [[nodiscard]] back_arrays take_back_arrays(const linear_map& map, std::size_t samples, workspace& scratch) const {
    if (map.pointwise() && !rounds) return {samples};
    back_arrays at{chunk_samples(map, samples)};
    if (!map.pointwise()) at.columns = scratch.take<Scalar>(map.rows(at.most) * map.seen());
    at.weights = rounded_scratch(map.weights(), scratch);
    at.gradients = rounded_scratch(at.most * map.out.size(), scratch);
    return at;
  }
  /// body(first, rows, their inputs) for each chunk; depthwise maps are not unfolded.
  template <class Body>
  void for_chunks(const linear_map& map, std::size_t samples, const Scalar* x, Operand* columns,
                  const Body& body) const {
    const std::size_t most = chunk_rows(map, samples);
    for (std::size_t first = 0; first < map.rows(samples); first += most) {
      const std::size_t rows = (std::min)(most, map.rows(samples) - first);
      if (map.depthwise()) {
        body(first, rows, static_cast<const Operand*>(nullptr));
      } else if (map.pointwise()) {
        body(first, rows, rounded(x + first * map.seen(), rows, map.seen(), columns));
      } else {
        for_rows(rows, map.seen(), kernel::unfold_rows<Scalar, Operand>{map, x, columns, first});
        body(first, rows, static_cast<const Operand*>(columns));
      }
    }
  }

  // Products; groups are blocks side by side.

  template <class From>
  void multiply(const product<Scalar, From>& what) const {
    if (what.rows > 0 && what.columns > 0 && what.count > 0) system_.multiply(what);
  }
  /// u = X W^T
  void multiply_response(const linear_map& map, std::size_t rows, const Operand* x, std::size_t stride,
                         const Operand* w, Scalar* u) const {
    const std::size_t units = map.outputs() / map.groups;
    multiply(product<Scalar, Operand>{rows,
                                      map.inputs(),
                                      units,
                                      {x, stride, map.inputs()},
                                      {w, map.inputs(), units * map.inputs(), true},
                                      {u, map.outputs(), units},
                                      Scalar(1),
                                      Scalar(0),
                                      map.groups});
  }
  /// sum = G^T X, or added to what is there
  void multiply_sum(const linear_map& map, std::size_t rows, const Operand* gates, const strided<Operand>& x,
                    Scalar* sum, bool add) const {
    const std::size_t units = map.outputs() / map.groups;
    multiply(product<Scalar, Operand>{units,
                                      rows,
                                      map.inputs(),
                                      {gates, map.outputs(), units, true},
                                      {x.data, x.stride, map.inputs()},
                                      {sum, map.inputs(), units * map.inputs()},
                                      Scalar(1),
                                      Scalar(add ? 1 : 0),
                                      map.groups});
  }
  /// x = D W
  void multiply_back(const linear_map& map, std::size_t rows, const Operand* d, const Operand* w, Scalar* x) const {
    const std::size_t units = map.outputs() / map.groups;
    multiply(product<Scalar, Operand>{rows,
                                      units,
                                      map.inputs(),
                                      {d, map.outputs(), units},
                                      {w, map.inputs(), units * map.inputs()},
                                      {x, map.seen(), map.inputs()},
                                      Scalar(1),
                                      Scalar(0),
                                      map.groups});
  }

  // Depthwise maps.

  /// Responses of rows first, first + every, ...
  void depthwise_rows(const linear_map& map, std::size_t first, std::size_t rows, std::size_t every, const Scalar* x,
                      const Scalar* w, Scalar* u) const {
    for_rows(rows, map.outputs(), kernel::depthwise_response<Scalar>{map, x, w, u, first, every});
  }
  struct depthwise_operands {
    const Scalar* x;
    const Scalar* d;
    std::size_t first;
    std::size_t every;
  };
  /// to: C x cells
  void add_depthwise(const linear_map& map, std::size_t rows, const depthwise_operands& of, Scalar* cells, Scalar* to,
                     bool add, workspace scratch) const {
    reduce_columns(rows, map.outputs(), map.inputs(),
                   kernel::depthwise_products<Scalar>{map, of.x, of.d, of.first, of.every}, cells, scratch);
    for_rows(map.outputs(), map.inputs(), kernel::transposed<Scalar>{cells, map.outputs(), to, map.inputs(), add});
  }

  // Sums over rows.

  struct reduce_arrays {
    std::size_t chunks;
    double* totals;
    Scalar* parts;
  };
  [[nodiscard]] reduce_arrays take_reduce_arrays(std::size_t rows, std::size_t columns, std::size_t count,
                                                 workspace& scratch) const {
    const std::size_t chunks = std::clamp<std::size_t>((rows + 255) / 256, 1, 64);
    return {chunks, scratch.take<double>(chunks * count * columns), scratch.take<Scalar>(chunks * count * columns)};
  }
  template <class Kernel>
  void sum_rows(std::size_t rows, std::size_t columns, std::size_t count, const Kernel& f, Scalar* sums, bool add,
                workspace scratch) const {
    const reduce_arrays at = take_reduce_arrays(rows, columns, count, scratch);
    for_rows(at.chunks, columns,
             kernel::sum_chunk<Scalar, Kernel>{f, rows, at.chunks, columns, count, at.parts, at.totals});
    for_rows(1, count * columns, kernel::add_chunks<Scalar>{at.totals, at.chunks, count * columns, sums, add});
  }

  // Local rules.

  struct learn_arrays {
    Operand* columns = nullptr;
    Operand* weights = nullptr;  ///< all three where operands are rounded
    Operand* others = nullptr;
    Operand* rounded = nullptr;  ///< gates
    Scalar* gates = nullptr;
    Scalar* plain = nullptr;  ///< gates without the modulator, where they differ
    Scalar* signal_rows = nullptr;
    Scalar* remainder = nullptr;  ///< X - G W
    Scalar* cells = nullptr;      ///< of depthwise maps, cells x C
  };
  [[nodiscard]] learn_arrays take_learn_arrays(const linear_map& map, std::size_t samples, const learn_options& options,
                                               workspace& scratch) const {
    const std::size_t rows = chunk_rows(map, samples);
    learn_arrays at;
    if (!map.depthwise()) {
      at.columns = columns_scratch(map, samples, scratch);
      at.weights = rounded_scratch(map.weights(), scratch);
      if (options.sees_other) at.others = rounded_scratch(map.weights(), scratch);
      at.rounded = rounded_scratch(rows * map.outputs(), scratch);
    }
    at.gates = scratch.take<Scalar>(rows * map.outputs());
    if (options.modulated) at.plain = scratch.take<Scalar>(rows * map.outputs());
    if (options.sees_other) at.signal_rows = scratch.take<Scalar>(rows * map.outputs());
    if (options.reconstructs) at.remainder = scratch.take<Scalar>(rows * map.inputs());
    if (map.depthwise()) at.cells = scratch.take<Scalar>(map.weights());
    return at;
  }
  /// All sums of one chunk but those by unit.
  void add_learned(const linear_map& map, const learn_options& options, std::size_t from, std::size_t learned,
                   const Scalar* x, const Scalar* w, strided<Operand> seen, const learn_arrays& at,
                   const accumulators<Scalar>& sums, bool add, workspace scratch) const {
    const std::size_t outputs = map.outputs();
    const std::size_t every = options.rows.every;
    if (map.depthwise()) {
      add_depthwise(map, learned, {x, at.gates, from, every}, at.cells, sums.sum, add, scratch);
      if (options.inputs) add_depthwise(map, learned, {x, nullptr, from, every}, at.cells, sums.input, add, scratch);
      return;
    }
    const Scalar* plain = at.plain == nullptr ? at.gates : at.plain;
    if (options.matrix) {
      multiply(product<Scalar>{outputs,
                               learned,
                               outputs,
                               {at.gates, outputs, 0, true},
                               {plain, outputs},
                               {sums.matrix, outputs},
                               Scalar(1),
                               Scalar(add ? 1 : 0)});
    }
    if (options.inputs) {
      sum_rows(learned, map.seen(), 1, kernel::column_sums<Scalar, Operand>{seen.data, seen.stride}, sums.input, add,
               scratch);
    }
    if (options.reconstructs) {
      for_rows(learned, map.inputs(),
               kernel::gather_strided<Operand, Scalar>{seen.data, seen.stride, at.remainder, map.inputs()});
      subtract_product(learned, outputs, map.inputs(), plain, w, at.remainder);
      seen = {rounded(at.remainder, learned, map.inputs(), at.columns), map.inputs()};
    }
    multiply_sum(map, learned, rounded(at.gates, learned, outputs, at.rounded), seen, sums.sum, add);
  }
  void clear(const linear_map& map, const learn_options& options, const accumulators<Scalar>& sums) const {
    const auto zero = [&](Scalar* to, std::size_t size) { for_rows(1, size, kernel::fill<Scalar>{to, Scalar(0)}); };
    zero(sums.sum, map.weights());
    zero(sums.unit, options.unit_sums * map.outputs());
    if (options.matrix) zero(sums.matrix, map.outputs() * map.outputs());
    if (options.inputs) zero(sums.input, map.seen());
  }

  // What follows a response.

  template <class Epilogue>
  void end_response(const linear_map& map, std::size_t samples, const Scalar* bias, Scalar* u, const Epilogue& epilogue,
                    workspace scratch) const {
    if (bias != nullptr) {
      for_rows(map.rows(samples), map.outputs(), kernel::add_to_rows<Scalar>{u, bias, map.outputs()});
    }
    run_epilogue(*this, map.rows(samples), map.outputs(), u, epilogue, scratch);
  }
  void end_scratch(const linear_map& map, std::size_t samples, const epilogue_options& options, workspace after,
                   workspace& scratch) const {
    if (!options.present) return;
    reduce_scratch(map.rows(samples), map.outputs(), 2, after);
    if (after.used() > scratch.used()) scratch = after;
  }

  System system_;
};

}  // namespace localis::device
