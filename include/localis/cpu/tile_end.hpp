#pragma once

#include <algorithm>
#include <cstddef>

#include <localis/config.hpp>
#include <localis/core/carver.hpp>
#include <localis/core/shape.hpp>
#include <localis/cpu/gemm.hpp>
#include <localis/cpu/parallel.hpp>
#include <localis/kernel/backend.hpp>
#include <localis/kernel/follow_up.hpp>
#include <localis/kernel/pooling.hpp>

namespace localis::cpu {
inline namespace LOCALIS_CPU_THREADS {

/// What ends a tile of responses while it is in the cache: bias, and a kernel::follow_up.
template <class T>
class tile_end {
 public:
  /// rows: of a tile, at most
  tile_end(const linear_map& map, std::size_t rows, std::size_t lanes, const follow_options& how, carver& scratch)
      : map_(map), rows_(rows), lanes_(lanes) {
    if (!how.follows) return;
    if (how.pool > 1) tiles_ = scratch.take<T>(lanes * rows * map.outputs());
    parts_ = scratch.take<T>(lanes * 2 * map.outputs());
    sums_ = scratch.take<double>(lanes * 2 * map.outputs());
  }

  /// Before the first tile.
  void start() const {
    if (sums_ != nullptr) std::fill_n(sums_, lanes_ * 2 * map_.outputs(), 0.0);
  }
  /// Where a tile's response goes: to its place in `y`, or to a lane's scratch where only what is pooled from it is
  /// kept.
  [[nodiscard]] T* response(std::size_t lane, range rows, T* y) const {
    return tiles_ == nullptr ? y + rows.begin * map_.outputs() : tiles_ + lane * rows_ * map_.outputs();
  }
  /// For the response `out` of some rows of X.   y: where the results of all rows begin
  template <class FollowUp>
  void operator()(std::size_t lane, range rows, T* out, const T* bias, T* y, const FollowUp& then) const {
    const std::size_t outputs = map_.outputs();
    if (bias != nullptr) add_to_rows(rows_of(out, rows.size(), outputs), bias);
    if constexpr (FollowUp::follows) {
      constexpr std::size_t few = 32;  // rows that are added up in T, all else in double
      T* part = parts_ + lane * 2 * outputs;
      double* sums = sums_ + lane * 2 * outputs;
      for (std::size_t first = 0; first < rows.size(); first += few) {
        if (then.center != nullptr) std::fill_n(part, 2 * outputs, T(0));
        const std::size_t last = (std::min)(first + few, rows.size());
        for (std::size_t row = first; row < last; ++row) then(out + row * outputs, 0, outputs, part, part + outputs);
        if (then.center == nullptr) continue;
        LOCALIS_VECTORIZE
        for (std::size_t i = 0; i < 2 * outputs; ++i) sums[i] += static_cast<double>(part[i]);
      }
      if (then.pool > 1) pool(rows, out, y, then);
    }
  }
  /// After the last tile.
  template <class FollowUp>
  void finish(const FollowUp& then) const {
    if constexpr (FollowUp::follows) {
      if (then.center == nullptr) return;
      for (std::size_t i = 0; i < 2 * map_.outputs(); ++i) {
        double sum = 0;
        for (std::size_t lane = 0; lane < lanes_; ++lane) sum += sums_[lane * 2 * map_.outputs() + i];
        then.moments[i] = static_cast<T>(sum);
      }
    }
  }

 private:
  /// Whole images, or whole squares of one.
  template <class FollowUp>
  void pool(range rows, const T* out, T* y, const FollowUp& then) const {
    const std::size_t positions = map_.out.positions();
    const std::size_t lines = (std::min)(rows.size(), positions) / map_.out.width;
    const std::size_t begin = rows.begin % positions / map_.out.width;
    const linear_map pooling = then.pooling(lines, map_.out.width, map_.outputs());
    const std::size_t line = pooling.out.width * map_.outputs();
    for (std::size_t done = 0; done < rows.size(); done += lines * map_.out.width) {
      const std::size_t image = (rows.begin + done) / positions;
      const kernel::max_pool<T> largest{pooling, out + done * map_.outputs(),
                                        y + (image * (map_.out.height / then.pool) + begin / then.pool) * line};
      for (std::size_t p = 0; p < pooling.out.positions(); ++p) largest(p, 0, map_.outputs());
    }
  }

  linear_map map_;
  std::size_t rows_;
  std::size_t lanes_;
  T* tiles_ = nullptr;
  T* parts_ = nullptr;  ///< each lane's sums over a few rows
  double* sums_ = nullptr;
};

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu
