#pragma once

#include <algorithm>
#include <cstddef>

#include <localis/backend/concept.hpp>
#include <localis/backend/cpu/algorithm.hpp>
#include <localis/backend/cpu/direct.hpp>
#include <localis/backend/cpu/gates.hpp>
#include <localis/backend/cpu/gemm.hpp>
#include <localis/backend/cpu/panels.hpp>
#include <localis/backend/cpu/parallel.hpp>
#include <localis/backend/cpu/resources.hpp>
#include <localis/backend/cpu/thread_sums.hpp>
#include <localis/backend/cpu/tile_epilogue.hpp>
#include <localis/backend/cpu/window_products.hpp>
#include <localis/backend/cpu/window_rows.hpp>
#include <localis/backend/cpu/windows.hpp>
#include <localis/backend/cpu/winograd_arrays.hpp>
#include <localis/backend/cpu/winograd_filters.hpp>
#include <localis/backend/cpu/winograd_tiles.hpp>
#include <localis/backend/cpu/winograd_transforms.hpp>
#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/epilogue.hpp>

namespace localis::cpu {
inline namespace LOCALIS_CPU_THREADS {

/// Convolution by 3x3 windows with a stride of 1 as Winograd's minimal filtering (winograd_transforms.hpp): for M x M
/// outputs, it takes (M + 2)^2 multiply-adds for each pair of channel and unit instead of 9 M^2, a quarter for M = 4.
/// A layer that learns while it responds transforms its input once for both.
///
///   V   transformed tiles of a block's input: A A planes, tiles x channels
///   M   products of V and transformed filters: A A planes, tiles x units of a panel
///
/// The products of planes are those of windows with panels (window_products.hpp). With few weights, each thread has
/// blocks of its own and walks over all panels; transformed filters, and the sums for the filters, are kept for the
/// whole pass. With many, all threads work on one block, each on panels of its own and on some channels at a time:
/// their filters are transformed where they are used, and the sums for them are added to the result at once, so that
/// scratch does not grow with the weights. Threads that get a part of a panel compute some of its tiles, or the sums
/// for some of its channels.
///
/// In float, rounding errors are 3 to 5 times those of direct_convolution with tiles of 4 x 4, in responses as in
/// gradients, and 1 to 2 times with tiles of 2 x 2. In kind: zeros beside other pixels respond with some 1e-7 of these
/// (with 0 to a gate that selects units), the last bits of a pattern's response depend on its place in the tile, and a
/// value that is not finite spreads over all outputs of the tiles that see it.
///
/// Takes maps that fill most of their tiles, with a vector of channels and of units. Few nonzero gates of many
/// are multiplied with the window of their row alone. Passes that need rows of X or learn from some rows only, and
/// pooling that does not fit, are left to direct_convolution.
template <class T>
struct winograd_convolution {
  linear_map map;
  resources available;

  static constexpr bool fuses_epilogue = true;
  static constexpr bool fuses_pooling = true;
  [[nodiscard]] static constexpr bool takes(const linear_map& map, const resources& available) {
    if (available.convolution == convolution::direct || !map.is(map_kind::plain_3x3)) return false;
    const window& field = map.field;
    if (field.padding.height > 2 || field.padding.width > 2) return false;
    if (map.in.channels < winograd::width<T> || map.out.channels < winograd::width<T>) return false;
    const winograd::tiling cut(map, available.convolution);
    // Transforms cost a part of what is saved.
    return 3 * cells * map.out.positions() > 5 * cut.work(cut.outputs);
  }

  template <class Epilogue>
  void respond(const response_arguments<T>& forward, workspace scratch, const Epilogue& epilogue) const {
    if (!pools(epilogue.pool)) return direct().respond(forward, scratch, epilogue);
    respond_through(forward, {forward.w, map, false}, scratch, epilogue, kernel::store::replace);
  }
  void respond_scratch(const epilogue_options& fused, workspace& scratch) const {
    if (!pools(fused.pool)) return direct().respond_scratch(fused, scratch);
    const pass_arrays arrays(map, available, {.responds = true}, scratch);
    (void)arrays.tail(fused, scratch);
  }

  template <class Gate, class Epilogue>
  void respond_and_learn(const response_arguments<T>& forward, const learning_arguments<T, Gate>& learn,
                         workspace scratch, const Epilogue& epilogue) const {
    const learn_options& options = learn.options;
    if (!learns(options) || !pools(epilogue.pool)) {
      return direct().respond_and_learn(forward, learn, scratch, epilogue);
    }
    learn_arrays arrays(*this, options, scratch);
    pass_arrays& pass = arrays.pass;
    const tile_epilogue<T> tail = pass.tail({Epilogue::present, epilogue.pool}, scratch);
    pass.fit(forward.samples, available);
    tail.start();
    arrays.sums.clear(pass.threads, learn.sums);
    if (!options.response_is_given) prepare({forward.w, map, false}, pass);
    const auto response = [&](std::size_t slot, range rows) { return tail.response(slot, rows, forward.u); };
    const auto complete = [&](std::size_t thread, std::size_t slot, range rows, T* u) {
      const accumulators<T> sums = arrays.sums.part(thread, learn.sums);
      const window_rows<T> windows{map, forward.x, rows};
      if constexpr (Gate::selects) {
        if (!options.response_is_given) windows.clear_empty(u);
      }
      const T* gates = arrays.gates.open(slot, rows, nullptr, u, learn, sums).gates.data;
      if (options.sums_inputs) windows.add_inputs(sums.input);
      if (scatters(options)) {
        windows.add_active(gates, sums.sum);
      } else {
        pass.errors[slot] = gates;
      }
      tail(thread, rows, u, forward.bias, forward.u, epilogue);
    };
    run(pass, forward.samples, forward.x, response, kernel::store::replace, complete,
        scatters(options) ? nullptr : learn.sums.sum);
    arrays.sums.add_up(pass.threads, available.threads_for(map.weights()), learn.sums);
    tail.finish(epilogue);
  }
  void learn_scratch(std::size_t samples, const learn_options& options, const epilogue_options& fused,
                     workspace& scratch) const {
    if (!learns(options) || !pools(fused.pool)) return direct().learn_scratch(samples, options, fused, scratch);
    const learn_arrays arrays(*this, options, scratch);
    (void)arrays.pass.tail(fused, scratch);
  }

  void weight_gradient(const weight_gradient_arguments<T>& backward, workspace scratch) const {
    const std::size_t outputs = map.outputs();
    pass_arrays arrays(map, available, {.multiplies = true}, scratch);
    const thread_sums<T> sums(map, {}, available.threads, product_sums::result, scratch);
    arrays.fit(backward.samples, available);
    const accumulators<T> result{.sum = backward.dw, .unit = backward.db};
    sums.clear(arrays.threads, result);
    const auto complete = [&](std::size_t thread, std::size_t slot, range rows, const T*) {
      const T* errors = backward.d + rows.begin * outputs;
      arrays.errors[slot] = errors;
      if (backward.db == nullptr) return;
      add_column_sums(rows_of(errors, rows.size(), outputs), sums.part(thread, result).unit);
    };
    const auto response = [](std::size_t, range) { return static_cast<T*>(nullptr); };
    run(arrays, backward.samples, backward.x, response, kernel::store::replace, complete, backward.dw);
    sums.add_up(arrays.threads, available.threads_for(map.weights()), result);
  }
  void weight_gradient_scratch(workspace& scratch) const {
    (void)pass_arrays(map, available, {.multiplies = true}, scratch);
    (void)thread_sums<T>(map, {}, available.threads, product_sums::result, scratch);
  }

  /// Computes dX as direct_convolution does, by the response to D of a convolution with turned windows.
  void input_gradient(const input_gradient_arguments<T>& backward, workspace scratch) const {
    const response_arguments<T> turned{.samples = backward.samples, .x = backward.d, .w = backward.w, .u = backward.dx};
    gradient().respond_through(turned, {backward.w, map, true}, scratch, kernel::no_epilogue{}, backward.mode);
  }
  void input_gradient_scratch(workspace& scratch) const { gradient().respond_scratch({}, scratch); }

 private:
  static constexpr std::size_t cells = 9;
  static constexpr std::size_t width = winograd::width<T>;
  using pass_arrays = winograd::pass_arrays<T>;
  using filter_weights = winograd::filter_weights<T>;

  struct learn_arrays {
    pass_arrays pass;
    thread_sums<T> sums;
    gate_arrays<T> gates;

    learn_arrays(const winograd_convolution& self, const learn_options& options, workspace& scratch)
        : pass(self.map, self.available,
               {.responds = !options.response_is_given, .multiplies = !self.scatters(options)}, scratch),
          sums(self.map, options, self.available.threads,
               self.scatters(options) ? product_sums::copies : product_sums::result, scratch),
          gates(self.map, options, pass.cut.rows(pass.cut.piece), pass.kept_pieces(), scratch) {}
  };

  /// Transforms the filters if all are kept.
  void prepare(const filter_weights& weights, pass_arrays& arrays) const {
    arrays.weights = weights;
    if (arrays.cut.by_panels) return;
    parallel_for(arrays.threads, [&](std::size_t thread) {
      direct::for_panel_parts<T>(map.outputs(), 1, thread, arrays.threads,
                                 [&](std::size_t first, std::size_t units, range, auto vectors) {
                                   (void)load_filters<vectors()>(arrays, 0, first, units, arrays.channels(0));
                                 });
    });
  }
  template <std::size_t V>
  winograd::panel_filters<T> load_filters(const pass_arrays& arrays, std::size_t thread, std::size_t first,
                                          std::size_t units, range channels) const {
    const winograd::panel_filters<T> filters = arrays.panel(arrays.filters, thread, first, units, V * width, channels);
    winograd::with_outputs(arrays.cut.outputs,
                           [&](auto M) { winograd::load_filters<M(), V>(arrays.weights, filters); });
    return filters;
  }
  /// Stores the sum of the sums of `copies` threads, from `thread` on, in dW, or adds it, as `mode` says.
  template <std::size_t V>
  void store_sums(const pass_arrays& arrays, std::size_t thread, std::size_t copies, std::size_t first,
                  std::size_t units, range channels, T* dw, kernel::store mode) const {
    const winograd::panel_filters<T> sums = arrays.panel(arrays.sums, thread, first, units, V * width, channels);
    winograd::with_outputs(arrays.cut.outputs, [&](auto M) {
      winograd::store_filter_gradients<M(), V>(sums, copies, arrays.filter_size, dw, map.in.channels, mode);
    });
  }
  template <class Epilogue>
  void respond_through(const response_arguments<T>& forward, const filter_weights& weights, workspace scratch,
                       const Epilogue& epilogue, kernel::store mode) const {
    pass_arrays arrays(map, available, {.responds = true}, scratch);
    const tile_epilogue<T> tail = arrays.tail({Epilogue::present, epilogue.pool}, scratch);
    arrays.fit(forward.samples, available);
    tail.start();
    prepare(weights, arrays);
    const auto response = [&](std::size_t slot, range rows) { return tail.response(slot, rows, forward.u); };
    const auto complete = [&](std::size_t thread, std::size_t, range rows, T* u) {
      tail(thread, rows, u, forward.bias, forward.u, epilogue);
    };
    run(arrays, forward.samples, forward.x, response, mode, complete, nullptr);
    tail.finish(epilogue);
  }

  /// Runs a pass over all blocks: the response, if `prepare` has been called, and the products with D or gates, which
  /// are summed in dw, unless that is null.
  ///   response(slot, rows)    where the response to the rows of a block is
  ///   complete(thread, slot, rows, u)    completes the response of a piece, and sets its errors
  template <class Response, class Complete>
  void run(const pass_arrays& arrays, std::size_t samples, const T* x, const Response& response, kernel::store mode,
           const Complete& complete, T* dw) const {
    const winograd::tiling& cut = arrays.cut;
    for (std::size_t t = 0; t < cut.most_tiles(); ++t) arrays.places[t] = t * arrays.v.row;
    std::fill_n(arrays.zeros, map.in.channels, T(0));
    const std::size_t threads = arrays.threads;
    const std::size_t blocks = cut.blocks(samples);
    const std::size_t parts = cut.by_panels ? threads : 1;  // of the products
    const auto run_block = [&](std::size_t index, std::size_t slot, const auto& team) {
      const range bands = cut.bands_of(index, samples);
      const range rows = cut.rows_of(bands);
      T* u = response(slot, rows);
      if (arrays.weights.w != nullptr || dw != nullptr) {
        team(bands.size(), [&](std::size_t, std::size_t band) { transform_input(arrays, x, bands, band, slot); });
      }
      if (arrays.weights.w != nullptr) {
        team(parts, [&](std::size_t, std::size_t part) { respond_part(arrays, bands, slot, part, parts, u, mode); });
      }
      team((bands.size() + cut.piece - 1) / cut.piece, [&](std::size_t thread, std::size_t piece) {
        const std::size_t first = bands.begin + piece * cut.piece;
        const range own = cut.rows_of({first, (std::min)(first + cut.piece, bands.end)});
        complete(thread, cut.by_panels ? piece : slot, own,
                 u == nullptr ? nullptr : u + (own.begin - rows.begin) * map.outputs());
      });
      if (dw == nullptr) return;
      team(parts, [&](std::size_t thread, std::size_t part) {
        if (!cut.by_panels) return add_products(arrays, bands, slot, thread);
        store_products(arrays, bands, slot, part, parts, dw, index == 0 ? kernel::store::replace : kernel::store::add);
      });
    };
    if (cut.by_panels) {
      const auto all_threads = [&](std::size_t count, const auto& body) {
        parallel_for(threads, [&](std::size_t thread) {
          for (std::size_t i = thread; i < count; i += threads) body(thread, i);
        });
      };
      for (std::size_t index = 0; index < blocks; ++index) run_block(index, 0, all_threads);
      return;
    }
    parallel_for(threads, [&](std::size_t thread) {
      const auto one_thread = [&](std::size_t count, const auto& body) {
        for (std::size_t i = 0; i < count; ++i) body(thread, i);
      };
      if (dw != nullptr) std::fill_n(arrays.sums + thread * arrays.filter_size, arrays.filter_size, T(0));
      const range own = part_of(blocks, thread, threads);
      for (std::size_t index = own.begin; index < own.end; ++index) run_block(index, thread, one_thread);
    });
    if (dw != nullptr) store_all_sums(arrays, dw);
  }

  // What is not made for each kind of pass, so that it is compiled once.

  [[gnu::noinline]] void transform_input(const pass_arrays& arrays, const T* x, range bands, std::size_t band,
                                         std::size_t slot) const {
    for (std::size_t chunk = 0; chunk < arrays.chunks; ++chunk) {
      winograd::planes<T> v = arrays.v_of(slot, chunk);
      v.data += band * arrays.cut.tiles * v.row;
      winograd::with_outputs(arrays.cut.outputs, [&](auto M) {
        winograd::transform_band<M()>(arrays.cut, x, static_cast<const T*>(arrays.zeros), bands.begin + band,
                                      arrays.channels(chunk), v);
      });
    }
  }
  /// Computes one of the `parts` parts of the response to a block.
  [[gnu::noinline]] void respond_part(const pass_arrays& arrays, range bands, std::size_t slot, std::size_t part,
                                      std::size_t parts, T* u, kernel::store mode) const {
    const std::size_t tiles = bands.size() * arrays.cut.tiles;
    const std::size_t few_tiles = winograd::few_tiles;
    direct::for_panel_parts<T>(map.outputs(), (tiles + few_tiles - 1) / few_tiles, part, parts,
                               [&](std::size_t first, std::size_t units, range own, auto vectors) {
                                 const range some{own.begin * few_tiles, (std::min)(own.end * few_tiles, tiles)};
                                 respond_panel<vectors()>(arrays, bands, some, slot, arrays.cut.by_panels ? part : slot,
                                                          first, units, u, mode);
                               });
  }
  /// Adds the products of a block to the sums of a thread for all filters.
  [[gnu::noinline]] void add_products(const pass_arrays& arrays, range bands, std::size_t slot,
                                      std::size_t thread) const {
    direct::for_panel_parts<T>(map.outputs(), 1, 0, 1, [&](std::size_t first, std::size_t units, range, auto vectors) {
      constexpr std::size_t V = vectors();
      load_errors<V>(arrays, bands, slot, thread, first, units);
      multiply<V>(arrays, bands, arrays.v_of(slot, 0), thread,
                  arrays.panel(arrays.sums, thread, first, units, V * width, arrays.channels(0)), kernel::store::add);
    });
  }
  /// Computes one of the `parts` parts of the products of a block, and stores it in dW or adds it, as `mode` says.
  [[gnu::noinline]] void store_products(const pass_arrays& arrays, range bands, std::size_t slot, std::size_t part,
                                        std::size_t parts, T* dw, kernel::store mode) const {
    direct::for_panel_parts<T>(
        map.outputs(), arrays.chunks, part, parts, [&](std::size_t first, std::size_t units, range own, auto vectors) {
          constexpr std::size_t V = vectors();
          load_errors<V>(arrays, bands, slot, part, first, units);
          for (std::size_t chunk = own.begin; chunk < own.end; ++chunk) {
            const range channels = arrays.channels(chunk);
            multiply<V>(arrays, bands, arrays.v_of(slot, chunk), part,
                        arrays.panel(arrays.sums, part, first, units, V * width, channels), kernel::store::replace);
            store_sums<V>(arrays, part, 1, first, units, channels, dw, mode);
          }
        });
  }
  /// Stores the sums of all threads for all filters in dW.
  [[gnu::noinline]] void store_all_sums(const pass_arrays& arrays, T* dw) const {
    const std::size_t channels = map.in.channels;
    const std::size_t parts = (channels + width - 1) / width;
    parallel_for(arrays.threads, [&](std::size_t thread) {
      direct::for_panel_parts<T>(map.outputs(), parts, thread, arrays.threads,
                                 [&](std::size_t first, std::size_t units, range own, auto vectors) {
                                   store_sums<vectors()>(arrays, 0, arrays.threads, first, units,
                                                         {own.begin * width, (std::min)(own.end * width, channels)}, dw,
                                                         kernel::store::replace);
                                 });
    });
  }
  /// Transforms the errors of a block for a panel into M, where each piece has rows of its own.
  template <std::size_t V>
  void load_errors(const pass_arrays& arrays, range bands, std::size_t slot, std::size_t thread, std::size_t first,
                   std::size_t units) const {
    const winograd::tiling& cut = arrays.cut;
    const winograd::planes<T> m = arrays.m_of(thread, V * width);
    for (std::size_t begin = 0; begin < bands.size(); begin += cut.piece) {
      const std::size_t count = (std::min)(cut.piece, bands.size() - begin) * cut.tiles;
      const winograd::tile_range part{bands.begin + begin, 0, count, cut.row_of(bands.begin + begin)};
      const winograd::planes<T> own{m.data + begin * cut.tiles * m.row, m.row, m.plane};
      const T* errors = arrays.errors[cut.by_panels ? begin / cut.piece : slot] + first;
      winograd::with_outputs(cut.outputs, [&](auto M) { winograd::load_tiles<M()>(cut, part, errors, units, own); });
    }
  }
  /// Some tiles of a plane of a chunk of V as windows that are products' inputs.
  [[nodiscard]] direct::windows<T> windows_of(const pass_arrays& arrays, const winograd::planes<T>& v, range tiles,
                                              std::size_t channels, std::size_t element) const {
    return {{1, 1, 0, 0, channels}, v.data + element * v.plane, arrays.places + tiles.begin, tiles.size()};
  }
  template <std::size_t V>
  void respond_panel(const pass_arrays& arrays, range bands, range tiles, std::size_t slot, std::size_t thread,
                     std::size_t first, std::size_t units, T* u, kernel::store mode) const {
    constexpr std::size_t panel_units = V * width;
    const winograd::planes<T> m = arrays.m_of(thread, panel_units);
    for (std::size_t chunk = 0; chunk < arrays.chunks; ++chunk) {
      const range channels = arrays.channels(chunk);
      const winograd::planes<T> v = arrays.v_of(slot, chunk);
      const winograd::panel_filters<T> filters =
          arrays.cut.by_panels ? load_filters<V>(arrays, thread, first, units, channels)
                               : arrays.panel(arrays.filters, 0, first, units, panel_units, channels);
      for (std::size_t e = 0; e < arrays.cut.elements(); ++e) {
        direct::respond_panel<V>(windows_of(arrays, v, tiles, channels.size(), e),
                                 static_cast<const T*>(filters.data + e * filters.plane), panel_units,
                                 direct::strided_rows<T>{m.data + e * m.plane, panel_units},
                                 chunk == 0 ? kernel::store::replace : kernel::store::add);
      }
    }
    const winograd::tile_range some{bands.begin, tiles.begin, tiles.size(), arrays.cut.row_of(bands.begin)};
    winograd::with_outputs(arrays.cut.outputs,
                           [&](auto M) { winograd::store_tiles<M()>(arrays.cut, some, m, units, u + first, mode); });
  }
  /// Computes V^T M for a panel and some channels, or adds it to what is there, as `mode` says.
  template <std::size_t V>
  void multiply(const pass_arrays& arrays, range bands, const winograd::planes<T>& v, std::size_t thread,
                const winograd::panel_filters<T>& sums, kernel::store mode) const {
    constexpr std::size_t panel_units = V * width;
    const std::size_t tiles = bands.size() * arrays.cut.tiles;
    const winograd::planes<T> m = arrays.m_of(thread, panel_units);
    for (std::size_t e = 0; e < arrays.cut.elements(); ++e) {
      for (std::size_t begin = 0; begin < tiles; begin += direct::few_inputs) {
        const range some{begin, (std::min)(begin + direct::few_inputs, tiles)};
        direct::product_panel<V>(
            windows_of(arrays, v, some, sums.channels.size(), e),
            {m.data + e * m.plane + begin * panel_units, panel_units},
            {sums.data + e * sums.plane, panel_units, panel_units, begin == 0 ? mode : kernel::store::add});
      }
    }
  }

  /// Whether the few nonzero gates of a row are multiplied one by one, from so many units for each on. Measured with
  /// AVX-512 and one gate: for 16 units, the whole pass takes 0.87 of its time with a product, and for 64, 1.27 times.
  [[nodiscard]] constexpr bool scatters(const learn_options& options) const {
    constexpr std::size_t units_per_active_gate = 32;
    return options.active_gates > 0 && map.outputs() >= units_per_active_gate * options.active_gates;
  }
  [[nodiscard]] bool pools(std::size_t pool) const {
    const winograd::tiling cut(map, available.convolution);
    return cut.outputs % pool == 0 || cut.piece % cut.bands == 0;
  }
  [[nodiscard]] static constexpr bool learns(const learn_options& options) {
    return options.rows.first == 0 && options.rows.every == 1 && options.forgetting != mutual_forgetting::remainder &&
           options.signal != gate_signal::reweighted;
  }
  /// The convolution that maps D to dX.
  [[nodiscard]] constexpr winograd_convolution gradient() const {
    linear_map turned{map.out, map.in, map.field, 1};
    turned.field.padding = {2 - map.field.padding.height, 2 - map.field.padding.width};
    return {turned, available};
  }
  [[nodiscard]] constexpr direct_convolution<T> direct() const { return {map, available}; }
};

static_assert(linear_algorithm<winograd_convolution<float>, float>);

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu
