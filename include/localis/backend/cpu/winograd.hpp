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
#include <localis/backend/cpu/windows.hpp>
#include <localis/backend/cpu/winograd_arrays.hpp>
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
/// whole pass. With many, all threads work on one block, each on panels of its own, whose filters are transformed where
/// they are used, so that there is never a transformed copy of all weights; threads beyond the number of panels share
/// the tiles of a panel.
///
/// In float, rounding errors are 3 to 5 times those of direct_convolution with tiles of 4 x 4, in responses as in
/// gradients, and 1 to 2 times with tiles of 2 x 2. In kind: zeros beside other pixels respond with some 1e-7 of these,
/// the last bits of a pattern's response depend on its place in the tile, and a value that is not finite spreads over
/// all outputs of the tiles that see it.
///
/// Takes maps that fill most of their tiles, with a vector of channels and of units. Passes that need rows of X, learn
/// from some rows only or have few nonzero gates, and pooling that does not fit, are left to direct_convolution.
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
    respond_through(forward, direct::plain_weights<T>{forward.w, map.inputs()}, scratch, epilogue,
                    kernel::store::replace);
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
    if (!options.response_is_given) pack(direct::plain_weights<T>{forward.w, map.inputs()}, pass);
    const auto response = [&](std::size_t slot, range rows) { return tail.response(slot, rows, forward.u); };
    const auto complete = [&](std::size_t thread, std::size_t slot, range rows, T* u) {
      const accumulators<T> sums = arrays.sums.part(thread, learn.sums);
      pass.errors[slot] = arrays.gates.open(slot, rows, nullptr, u, learn, sums).gates.data;
      tail(thread, rows, u, forward.bias, forward.u, epilogue);
    };
    run(pass, forward.samples, forward.x, response, kernel::store::replace, complete, &arrays.sums);
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
    const thread_sums<T> sums(map, {}, available.threads, arrays.sets(), scratch);
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
    run(arrays, backward.samples, backward.x, response, kernel::store::replace, complete, &sums);
    sums.add_up(arrays.threads, available.threads_for(map.weights()), result);
  }
  void weight_gradient_scratch(workspace& scratch) const {
    const pass_arrays arrays(map, available, {.multiplies = true}, scratch);
    (void)thread_sums<T>(map, {}, available.threads, arrays.sets(), scratch);
  }

  /// Computes dX as direct_convolution does, by the response to D of a convolution with turned windows.
  void input_gradient(const input_gradient_arguments<T>& backward, workspace scratch) const {
    const response_arguments<T> turned{.samples = backward.samples, .x = backward.d, .w = backward.w, .u = backward.dx};
    gradient().respond_through(turned, direct::turned_weights<T>{backward.w, map}, scratch, kernel::no_epilogue{},
                               backward.mode);
  }
  void input_gradient_scratch(workspace& scratch) const { gradient().respond_scratch({}, scratch); }

 private:
  static constexpr std::size_t cells = 9;
  static constexpr std::size_t few_tiles = winograd::few_tiles;
  using pass_arrays = winograd::pass_arrays<T>;

  struct learn_arrays {
    pass_arrays pass;
    thread_sums<T> sums;
    gate_arrays<T> gates;

    learn_arrays(const winograd_convolution& self, const learn_options& options, workspace& scratch)
        : pass(self.map, self.available, {.responds = !options.response_is_given, .multiplies = true}, scratch),
          sums(self.map, options, self.available.threads, pass.sets(), scratch),
          gates(self.map, options, pass.cut.rows(pass.cut.piece), pass.kept_pieces(), scratch) {}
  };

  /// Lays out W in panels and, if all are kept, transforms the filters.
  template <class Weight>
  void pack(const Weight& weight, const pass_arrays& arrays) const {
    direct::pack(map.outputs(), map.inputs(), weight, arrays.threads, arrays.packed);
    if (!arrays.cut.by_panels) transform_all_filters(arrays);
  }
  template <std::size_t V>
  const T* transform_filters(const pass_arrays& arrays, std::size_t first, std::size_t thread) const {
    T* filters = arrays.panel(arrays.filters, thread, first);
    winograd::with_outputs(arrays.cut.outputs, [&](auto M) {
      winograd::transform_filters<M()>(static_cast<const T*>(arrays.packed + first * map.inputs()), map.in.channels,
                                       V * winograd::width<T>, filters);
    });
    return filters;
  }
  /// Adds the sums for the filters of a panel to those for its weights, `sum`.
  template <std::size_t V>
  void add_sums(const pass_arrays& arrays, std::size_t first, std::size_t thread, T* sum) const {
    winograd::with_outputs(arrays.cut.outputs, [&](auto M) {
      winograd::add_filter_gradients<M()>(static_cast<const T*>(arrays.panel(arrays.sums, thread, first)),
                                          map.in.channels, V * winograd::width<T>, sum + first * map.inputs());
    });
  }
  /// Calls f(index, first unit, units, V) for each panel.
  template <class F>
  void for_panels(const F& f) const {
    std::size_t index = 0;
    direct::for_panels<T>(
        map.outputs(), [&](std::size_t first, std::size_t count, auto vectors) { f(index++, first, count, vectors); });
  }

  template <class Weight, class Epilogue>
  void respond_through(const response_arguments<T>& forward, const Weight& weight, workspace scratch,
                       const Epilogue& epilogue, kernel::store mode) const {
    pass_arrays arrays(map, available, {.responds = true}, scratch);
    const tile_epilogue<T> tail = arrays.tail({Epilogue::present, epilogue.pool}, scratch);
    arrays.fit(forward.samples, available);
    tail.start();
    pack(weight, arrays);
    const auto response = [&](std::size_t slot, range rows) { return tail.response(slot, rows, forward.u); };
    const auto complete = [&](std::size_t thread, std::size_t, range rows, T* u) {
      tail(thread, rows, u, forward.bias, forward.u, epilogue);
    };
    run(arrays, forward.samples, forward.x, response, mode, complete, nullptr);
    tail.finish(epilogue);
  }

  /// Runs a pass over all blocks: the response, if W has been packed, and the products with D or gates, if `sums` is
  /// not null.
  ///   response(slot, rows)    where the response to the rows of a block is
  ///   complete(thread, slot, rows, u)    completes the response of a piece, and sets its errors
  template <class Response, class Complete>
  void run(const pass_arrays& arrays, std::size_t samples, const T* x, const Response& response, kernel::store mode,
           const Complete& complete, const thread_sums<T>* sums) const {
    const winograd::tiling& cut = arrays.cut;
    for (std::size_t t = 0; t < cut.most_tiles(); ++t) arrays.places[t] = t * arrays.v.row;
    std::fill_n(arrays.zeros, map.in.channels, T(0));
    const std::size_t threads = arrays.threads;
    const std::size_t blocks = cut.blocks(samples);
    const std::size_t parts = cut.by_panels ? threads : 1;  // of the panels and their shares
    const auto run_block = [&](std::size_t index, std::size_t slot, const auto& team) {
      const range bands = cut.bands_of(index, samples);
      const range rows = cut.rows_of(bands);
      T* u = response(slot, rows);
      team(bands.size(), [&](std::size_t, std::size_t band) { transform_input(arrays, x, bands, band, slot); });
      if (arrays.packed != nullptr) {
        team(parts, [&](std::size_t thread, std::size_t part) {
          respond_part(arrays, bands, slot, thread, part, parts, u, mode);
        });
      }
      team((bands.size() + cut.piece - 1) / cut.piece, [&](std::size_t thread, std::size_t piece) {
        const std::size_t first = bands.begin + piece * cut.piece;
        const range own = cut.rows_of({first, (std::min)(first + cut.piece, bands.end)});
        complete(thread, cut.by_panels ? piece : slot, own,
                 u == nullptr ? nullptr : u + (own.begin - rows.begin) * map.outputs());
      });
      if (sums == nullptr) return;
      team(parts, [&](std::size_t thread, std::size_t part) {
        add_part(arrays, bands, slot, thread, part, parts, cut.by_panels ? sums : nullptr);
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
      if (sums != nullptr) std::fill_n(arrays.sums + thread * arrays.filter_size, arrays.filter_size, T(0));
      const range own = part_of(blocks, thread, threads);
      for (std::size_t index = own.begin; index < own.end; ++index) run_block(index, thread, one_thread);
      if (sums != nullptr) add_all_sums(arrays, thread, sums->panels(thread));
    });
  }

  // What is not made for each kind of pass, so that it is compiled once.

  [[gnu::noinline]] void transform_input(const pass_arrays& arrays, const T* x, range bands, std::size_t band,
                                         std::size_t slot) const {
    winograd::planes<T> v = arrays.v_of(slot);
    v.data += band * arrays.cut.tiles * v.row;
    winograd::with_outputs(arrays.cut.outputs, [&](auto M) {
      winograd::transform_band<M()>(arrays.cut, x, static_cast<const T*>(arrays.zeros), bands.begin + band, v);
    });
  }
  /// Computes the response of every `parts`th share of a panel.
  [[gnu::noinline]] void respond_part(const pass_arrays& arrays, range bands, std::size_t slot, std::size_t thread,
                                      std::size_t part, std::size_t parts, T* u, kernel::store mode) const {
    for_shares(arrays, bands, part, parts,
               [&](range tiles, std::size_t, std::size_t first, std::size_t units, auto vectors) {
                 respond_panel<vectors()>(arrays, bands, tiles, slot, thread, first, units, u, mode);
               });
  }
  /// Adds the products of every `parts`th share of a panel to its sums, and these to `sums` unless that is null.
  [[gnu::noinline]] void add_part(const pass_arrays& arrays, range bands, std::size_t slot, std::size_t thread,
                                  std::size_t part, std::size_t parts, const thread_sums<T>* sums) const {
    for_shares(arrays, bands, part, parts,
               [&](range tiles, std::size_t share, std::size_t first, std::size_t units, auto vectors) {
                 add_products<vectors()>(arrays, bands, tiles, slot, thread, first, units);
                 if (sums != nullptr) add_sums<vectors()>(arrays, first, thread, sums->panels(share));
               });
  }
  [[gnu::noinline]] void add_all_sums(const pass_arrays& arrays, std::size_t thread, T* sum) const {
    for_panels([&](std::size_t, std::size_t first, std::size_t, auto vectors) {
      add_sums<vectors()>(arrays, first, thread, sum);
    });
  }
  [[gnu::noinline]] void transform_all_filters(const pass_arrays& arrays) const {
    parallel_for(arrays.threads, [&](std::size_t thread) {
      for_panels([&](std::size_t index, std::size_t first, std::size_t, auto vectors) {
        if (index % arrays.threads == thread) transform_filters<vectors()>(arrays, first, 0);
      });
    });
  }
  /// Calls f(tiles, share, first unit, units, V) for every `parts`th share of the panels.
  template <class F>
  void for_shares(const pass_arrays& arrays, range bands, std::size_t part, std::size_t parts, const F& f) const {
    const std::size_t tiles = bands.size() * arrays.cut.tiles;
    const std::size_t shares = arrays.shares();
    for_panels([&](std::size_t panel, std::size_t first, std::size_t units, auto vectors) {
      for (std::size_t share = 0; share < shares; ++share) {
        if ((panel * shares + share) % parts == part) f(part_of(tiles, share, shares), share, first, units, vectors);
      }
    });
  }
  /// Calls f for few of the tiles at a time, which are counted from the first band.
  template <class F>
  void for_tiles(const pass_arrays& arrays, range bands, range tiles, const F& f) const {
    const std::size_t origin = arrays.cut.row_of(bands.begin);
    for (std::size_t begin = tiles.begin; begin < tiles.end; begin += few_tiles) {
      f(winograd::tile_range{bands.begin, begin, (std::min)(few_tiles, tiles.end - begin), origin});
    }
  }
  /// Transforms the errors of some tiles, of which each piece has rows of its own.
  void load_errors(const pass_arrays& arrays, const winograd::tile_range& tiles, std::size_t slot, std::size_t first,
                   std::size_t units, const winograd::planes<T>& m) const {
    const winograd::tiling& cut = arrays.cut;
    const std::size_t piece_tiles = cut.piece * cut.tiles;
    const std::size_t end = tiles.begin + tiles.count;
    for (std::size_t begin = tiles.begin; begin < end;) {
      const std::size_t piece = begin / piece_tiles;
      const std::size_t next = (std::min)(end, (piece + 1) * piece_tiles);
      const winograd::tile_range part{tiles.band, begin, next - begin, cut.row_of(tiles.band + piece * cut.piece)};
      const winograd::planes<T> own{m.data + (begin - tiles.begin) * m.row, m.row, m.plane};
      const T* errors = arrays.errors[cut.by_panels ? piece : slot] + first;
      winograd::with_outputs(cut.outputs, [&](auto M) { winograd::load_tiles<M()>(cut, part, errors, units, own); });
      begin = next;
    }
  }
  /// The tiles of a plane of V as windows that are products' inputs.
  [[nodiscard]] direct::windows<T> windows_of(const pass_arrays& arrays, const winograd::planes<T>& v,
                                              const winograd::tile_range& tiles, std::size_t element) const {
    return {{1, 1, 0, 0, map.in.channels}, v.data + element * v.plane, arrays.places + tiles.begin, tiles.count};
  }
  template <std::size_t V>
  void respond_panel(const pass_arrays& arrays, range bands, range some, std::size_t slot, std::size_t thread,
                     std::size_t first, std::size_t units, T* u, kernel::store mode) const {
    constexpr std::size_t panel_units = V * winograd::width<T>;
    const winograd::planes<T> v = arrays.v_of(slot);
    const winograd::planes<T> m = arrays.m_of(thread, panel_units);
    const T* filters = arrays.cut.by_panels ? transform_filters<V>(arrays, first, thread)
                                            : static_cast<const T*>(arrays.panel(arrays.filters, 0, first));
    for_tiles(arrays, bands, some, [&](const winograd::tile_range& tiles) {
      for (std::size_t e = 0; e < arrays.cut.elements(); ++e) {
        direct::respond_panel<V>(windows_of(arrays, v, tiles, e), filters + e * map.in.channels * panel_units,
                                 panel_units, m.data + e * m.plane, panel_units, kernel::store::replace);
      }
      winograd::with_outputs(arrays.cut.outputs,
                             [&](auto M) { winograd::store_tiles<M()>(arrays.cut, tiles, m, units, u + first, mode); });
    });
  }
  template <std::size_t V>
  void add_products(const pass_arrays& arrays, range bands, range some, std::size_t slot, std::size_t thread,
                    std::size_t first, std::size_t units) const {
    constexpr std::size_t panel_units = V * winograd::width<T>;
    const winograd::tiling& cut = arrays.cut;
    const winograd::planes<T> v = arrays.v_of(slot);
    const winograd::planes<T> m = arrays.m_of(thread, panel_units);
    T* sums = arrays.panel(arrays.sums, thread, first);
    if (cut.by_panels) std::fill_n(sums, cut.elements() * map.in.channels * panel_units, T(0));
    for_tiles(arrays, bands, some, [&](const winograd::tile_range& tiles) {
      load_errors(arrays, tiles, slot, first, units, m);
      for (std::size_t e = 0; e < cut.elements(); ++e) {
        direct::product_panel<V>(windows_of(arrays, v, tiles, e), static_cast<const T*>(m.data + e * m.plane),
                                 sums + e * map.in.channels * panel_units);
      }
    });
  }

  [[nodiscard]] bool pools(std::size_t pool) const {
    const winograd::tiling cut(map, available.convolution);
    return cut.outputs % pool == 0 || cut.piece % cut.bands == 0;
  }
  [[nodiscard]] static constexpr bool learns(const learn_options& options) {
    return options.rows.first == 0 && options.rows.every == 1 && options.active_gates == 0 && !options.sums_inputs &&
           options.forgetting != mutual_forgetting::remainder && options.signal != gate_signal::reweighted;
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
