#pragma once

#include <algorithm>
#include <cstddef>

#include <localis/backend/concept.hpp>
#include <localis/backend/cpu/gemm.hpp>
#include <localis/backend/cpu/parallel.hpp>
#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/epilogue.hpp>
#include <localis/kernel/indexed_map.hpp>
#include <localis/kernel/pooling.hpp>
#include <localis/kernel/rows.hpp>

namespace localis::cpu {
inline namespace LOCALIS_CPU_THREADS {

/// Completes a tile of responses while it is in the cache: adds the bias and runs a kernel::epilogue.
template <class T>
class tile_epilogue {
 public:
  /// @param rows  largest number of rows in a tile
  tile_epilogue(const linear_map& map, std::size_t rows, std::size_t threads, const epilogue_options& options,
                workspace& scratch)
      : map_(map), rows_(rows), threads_(threads) {
    if (!options.present) return;
    if (options.pool > 1) tiles_ = scratch.take<T>(threads * rows * map.outputs());
    parts_ = scratch.take<T>(threads * 2 * map.outputs());
    sums_ = scratch.take<double>(threads * 2 * map.outputs());
  }

  /// Resets the moments; must be called before the first tile.
  void start() const {
    if (sums_ != nullptr) std::fill_n(sums_, threads_ * 2 * map_.outputs(), 0.0);
  }
  /// Returns where the response of a tile is stored: at its place in `y`, or in scratch of the thread if only its
  /// pooled values are kept.
  [[nodiscard]] T* response(std::size_t thread, range rows, T* y) const {
    return tiles_ == nullptr ? y + rows.begin * map_.outputs() : tiles_ + thread * rows_ * map_.outputs();
  }
  /// Completes `out`, the response of some rows of X.   y: start of the results of all rows
  template <class Epilogue>
  void operator()(std::size_t thread, range rows, T* out, const T* bias, T* y, const Epilogue& epilogue) const {
    const std::size_t outputs = map_.outputs();
    if (bias != nullptr) add_to_rows(rows_of(out, rows.size(), outputs), bias);
    if constexpr (Epilogue::present) {
      constexpr std::size_t few_rows = 32;  // added up in T, all else in double: as reduce_columns does
      T* part = parts_ + thread * 2 * outputs;
      double* sums = sums_ + thread * 2 * outputs;
      for (std::size_t first = 0; first < rows.size(); first += few_rows) {
        const std::size_t last = (std::min)(first + few_rows, rows.size());
        if (epilogue.center == nullptr) {
          for (std::size_t row = first; row < last; ++row) epilogue(out + row * outputs, 0, outputs, nullptr, nullptr);
          continue;
        }
        std::fill_n(part, 2 * outputs, T(0));
        add_rows(kernel::epilogue_rows<T, Epilogue>{epilogue, out, outputs}, first, last, outputs, part);
        LOCALIS_VECTORIZE
        for (std::size_t i = 0; i < 2 * outputs; ++i) sums[i] += static_cast<double>(part[i]);
      }
      if (epilogue.pool > 1) pool(rows, out, y, epilogue);
    }
  }
  /// Adds up the moments of all threads and finishes them; must be called after the last tile.
  template <class Epilogue>
  void finish(const Epilogue& epilogue) const {
    if constexpr (Epilogue::present) {
      if (epilogue.center == nullptr) return;
      for (std::size_t i = 0; i < 2 * map_.outputs(); ++i) {
        double sum = 0;
        for (std::size_t thread = 0; thread < threads_; ++thread) sum += sums_[thread * 2 * map_.outputs() + i];
        epilogue.moments[i] = static_cast<T>(sum);
      }
      epilogue.finish(0, map_.outputs());
    }
  }

 private:
  /// Adds the terms of rows first ... last - 1 to the sums of their columns: four rows at once, because each addition
  /// to sums in memory waits for the one before.
  template <class Kernel>
  static constexpr void add_rows(const Kernel& f, std::size_t first, std::size_t last, std::size_t columns,
                                 T* __restrict sums) {
    std::size_t row = first;
    for (; row + 4 <= last; row += 4) {
      LOCALIS_VECTORIZE
      for (std::size_t c = 0; c < columns; ++c) {
        auto four = f.terms(row, c);
        for (std::size_t next = row + 1; next < row + 4; ++next) kernel::add_terms(f.terms(next, c), four.data(), 1);
        kernel::add_terms(four, sums + c, columns);
      }
    }
    for (; row < last; ++row) f(row, 0, columns, sums);
  }
  /// Pools the rows of a tile, which are whole images or whole pooling squares of one image.
  template <class Epilogue>
  void pool(range rows, const T* out, T* y, const Epilogue& epilogue) const {
    const std::size_t positions = map_.out.positions();
    const std::size_t lines = (std::min)(rows.size(), positions) / map_.out.width;
    const std::size_t begin = rows.begin % positions / map_.out.width;
    const kernel::indexed_map pooling = epilogue.pooling(lines, map_.out.width, map_.outputs());
    const std::size_t line = pooling.out.width * map_.outputs();
    for (std::size_t done = 0; done < rows.size(); done += lines * map_.out.width) {
      const std::size_t image = (rows.begin + done) / positions;
      const kernel::max_pool<T> largest{pooling, out + done * map_.outputs(),
                                        y + (image * (map_.out.height / epilogue.pool) + begin / epilogue.pool) * line};
      for (std::size_t p = 0; p < pooling.out.positions(); ++p) largest(p, 0, map_.outputs());
    }
  }

  linear_map map_;
  std::size_t rows_;
  std::size_t threads_;
  T* tiles_ = nullptr;
  T* parts_ = nullptr;  ///< sums of each thread over a few rows
  double* sums_ = nullptr;
};

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu
