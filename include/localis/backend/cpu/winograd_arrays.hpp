#pragma once

#include <algorithm>
#include <cstddef>

#include <localis/backend/cpu/panels.hpp>
#include <localis/backend/cpu/resources.hpp>
#include <localis/backend/cpu/thread_sums.hpp>
#include <localis/backend/cpu/tile_epilogue.hpp>
#include <localis/backend/cpu/winograd_tiles.hpp>
#include <localis/backend/cpu/winograd_transforms.hpp>
#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/epilogue.hpp>

namespace localis::cpu::winograd {
inline namespace LOCALIS_CPU_THREADS {

/// Tiles that are multiplied at once, so that M stays in the second cache.
inline constexpr std::size_t few_tiles = 48;

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
  std::size_t filter_size;  ///< values of the transformed filters, or of their sums, that a thread works on
  std::size_t v_size;
  planes<T> v;  ///< of the first block that is worked on at the same time
  planes<T> m;  ///< of the first thread
  std::size_t m_size;
  std::size_t* places;         ///< of the tiles in a plane of V
  T* zeros;                    ///< the channels of a pixel outside of the image
  T* packed = nullptr;         ///< W in panels; null in a pass that computes no response
  T* filters = nullptr;        ///< transformed: all, or those of one panel for each thread
  T* sums = nullptr;           ///< for each thread, the sums for all filters, or for those of one panel
  const T** errors = nullptr;  ///< rows of D or of gates, by slot

  pass_arrays(const linear_map& map, const resources& available, const pass_products& computed, workspace& scratch)
      : cut(map, available.convolution), threads(available.threads) {
    constexpr std::size_t line = workspace::alignment / sizeof(T);
    const std::size_t channels = map.in.channels;
    const std::size_t weights = direct::panels_size<T>(map.outputs(), channels);
    filter_size = cut.elements() * (cut.by_panels ? channels * widest : weights);
    // Rows or planes an even number of cache lines apart would use only few of the cache's sets.
    v.row = channels % (2 * line) == 0 ? channels + line : channels;
    v.plane = cut.most_tiles() * v.row + line;
    v_size = cut.elements() * v.plane;
    v.data = scratch.take<T>((cut.by_panels ? 1 : threads) * v_size);
    m.plane = (std::min)(cut.most_tiles(), few_tiles) * widest + line;
    m_size = cut.elements() * m.plane;
    m.data = scratch.take<T>(threads * m_size);
    places = scratch.take<std::size_t>(cut.most_tiles());
    zeros = scratch.take<T>(channels);
    if (computed.responds) {
      packed = scratch.take<T>(9 * weights);
      filters = scratch.take<T>((cut.by_panels ? threads : 1) * filter_size);
    }
    if (computed.multiplies) {
      sums = scratch.take<T>(threads * filter_size);
      errors = scratch.take<const T*>(kept_pieces());
    }
  }
  /// Number of ranges of a block's tiles that several threads process for one panel: 1, unless there are more threads
  /// than panels.
  [[nodiscard]] std::size_t shares() const {
    const std::size_t panels = (cut.map.out.channels + widest - 1) / widest;
    return cut.by_panels ? (std::max)(std::size_t{1}, threads / panels) : 1;
  }
  /// Number of sets of panels that the sums for all weights take (thread_sums).
  [[nodiscard]] std::size_t sets() const { return cut.by_panels ? shares() : threads; }
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
  [[nodiscard]] planes<T> v_of(std::size_t slot) const { return {v.data + slot * v_size, v.row, v.plane}; }
  [[nodiscard]] planes<T> m_of(std::size_t thread, std::size_t units) const {
    return {m.data + thread * m_size, units, m.plane};
  }
  /// The transformed values of a panel among all of a thread.
  [[nodiscard]] T* panel(T* all, std::size_t thread, std::size_t first) const {
    return all + thread * filter_size + (cut.by_panels ? 0 : first * cut.map.in.channels * cut.elements());
  }
};

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu::winograd
