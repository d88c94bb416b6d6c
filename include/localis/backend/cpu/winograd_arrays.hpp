#pragma once

#include <algorithm>
#include <cstddef>

#include <localis/backend/cpu/panels.hpp>
#include <localis/backend/cpu/parallel.hpp>
#include <localis/backend/cpu/resources.hpp>
#include <localis/backend/cpu/tile_epilogue.hpp>
#include <localis/backend/cpu/winograd_filters.hpp>
#include <localis/backend/cpu/winograd_tiles.hpp>
#include <localis/backend/cpu/winograd_transforms.hpp>
#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/epilogue.hpp>

namespace localis::cpu::winograd {
inline namespace LOCALIS_CPU_THREADS {

/// Tiles of which a thread computes the response at least, so that a transformed filter has some use.
inline constexpr std::size_t few_tiles = 48;
/// Channels of a panel whose filters, or sums for them, a thread works on at once where weights are many: with M, they
/// fill most of a second cache of 2 MiB. With 64, sums are loaded and stored twice as often: measured with AVX-512, the
/// passes of 256 and 512 channels took 1 to 6 % longer.
inline constexpr std::size_t few_channels = 128;

/// What a pass computes.
struct pass_products {
  bool responds = false;    ///< products of V and transformed filters
  bool multiplies = false;  ///< products of V and errors or gates, whose sums are transformed filter gradients
};

/// The arrays of a pass of winograd_convolution, in its workspace.
template <class T>
struct pass_arrays {
  static constexpr std::size_t widest = 3 * width<T>;  ///< units of a panel

  tiling cut;
  std::size_t threads;
  std::size_t chunks;       ///< ranges of channels whose filters, or sums for them, are there at the same time
  std::size_t filter_size;  ///< values of the transformed filters, or of their sums, that a thread works on
  std::size_t v_size;       ///< values of a chunk of V
  planes<T> v;              ///< of the first chunk of the first block that is worked on at the same time
  planes<T> m;              ///< of the first thread
  std::size_t m_size;
  std::size_t* places;          ///< of the tiles in a plane of V
  T* zeros;                     ///< the channels of a pixel outside of the image
  filter_weights<T> weights{};  ///< to be set in a pass that computes the response
  T* filters = nullptr;         ///< transformed: all, or for each thread those of a chunk of one panel
  T* sums = nullptr;            ///< for each thread, the sums for all filters, or for those of a chunk
  const T** errors = nullptr;   ///< rows of D or of gates, by slot

  pass_arrays(const linear_map& map, const resources& available, const pass_products& computed, workspace& scratch)
      : cut(map, available.convolution), threads(available.threads) {
    constexpr std::size_t line = workspace::alignment / sizeof(T);
    const std::size_t channels = map.in.channels;
    chunks = cut.by_panels ? (channels + few_channels - 1) / few_channels : 1;
    const std::size_t chunk = (channels + chunks - 1) / chunks;
    filter_size = cut.elements() * (cut.by_panels ? chunk * widest : direct::panels_size<T>(map.outputs(), channels));
    // Rows or planes an even number of cache lines apart would use only few of the cache's sets.
    v.row = chunk % (2 * line) == 0 ? chunk + line : chunk;
    v.plane = cut.most_tiles() * v.row + line;
    v_size = cut.elements() * v.plane;
    v.data = scratch.take<T>((cut.by_panels ? 1 : threads) * chunks * v_size);
    m.plane = cut.most_tiles() * widest + line;
    m_size = cut.elements() * m.plane;
    m.data = scratch.take<T>(threads * m_size);
    places = scratch.take<std::size_t>(cut.most_tiles());
    zeros = scratch.take<T>(channels);
    if (computed.responds) filters = scratch.take<T>((cut.by_panels ? threads : 1) * filter_size);
    if (computed.multiplies) {
      // A chunk's sums may take the place of filters, which have been used.
      sums = cut.by_panels && computed.responds ? filters : scratch.take<T>(threads * filter_size);
      errors = scratch.take<const T*>(kept_pieces());
    }
  }
  /// Chooses the threads that so many samples are worth, and blocks of which each of them has as many. To be called
  /// when all scratch has been taken.
  void fit(std::size_t samples, const resources& available) {
    threads = available.threads_for(cut.map, samples);
    if (!cut.by_panels) cut.share_out(samples, threads);
  }
  /// Number of pieces whose rows are kept at the same time: those of one block, or one for each thread.
  [[nodiscard]] std::size_t kept_pieces() const { return cut.by_panels ? cut.pieces() : threads; }
  [[nodiscard]] tile_epilogue<T> tail(const epilogue_options& fused, workspace& scratch) const {
    // Threads that work on one block share the room for its response.
    const std::size_t rows = cut.rows(cut.block);
    return {cut.map, cut.by_panels ? (rows + threads - 1) / threads : rows, threads, fused, scratch};
  }
  [[nodiscard]] planes<T> v_of(std::size_t slot, std::size_t chunk) const {
    return {v.data + (slot * chunks + chunk) * v_size, v.row, v.plane};
  }
  [[nodiscard]] planes<T> m_of(std::size_t thread, std::size_t units) const {
    return {m.data + thread * m_size, units, m.plane};
  }
  /// The channels of a chunk.
  [[nodiscard]] range channels(std::size_t chunk) const { return part_of(cut.map.in.channels, chunk, chunks); }
  /// The place, among filters or sums `all`, of a chunk of a panel on which a thread works, or of any of its channels
  /// if all are kept.
  [[nodiscard]] panel_filters<T> panel(T* all, std::size_t thread, std::size_t first, std::size_t units,
                                       std::size_t panel_units, range channels) const {
    T* own = all + thread * filter_size;
    if (cut.by_panels) return {channels, first, units, own, channels.size() * panel_units};
    const std::size_t plane = cut.map.in.channels * panel_units;
    own += first * cut.map.in.channels * cut.elements() + channels.begin * panel_units;
    return {channels, first, units, own, plane};
  }
};

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu::winograd
