#pragma once

#include <algorithm>
#include <cstddef>

#include <localis/config.hpp>
#include <localis/core/carver.hpp>
#include <localis/core/shape.hpp>
#include <localis/cpu/direct.hpp>
#include <localis/cpu/parallel.hpp>
#include <localis/kernel/backend.hpp>

namespace localis::cpu {
inline namespace LOCALIS_CPU_THREADS {

/// Each lane's part of what a local rule or a weight gradient sums, added up in the order of lanes, whatever their
/// timing. Lane 0 adds into the result itself, the others into their own copies; products in panels have a copy for
/// each lane.
template <class T>
class lane_sums {
 public:
  lane_sums(const linear_map& map, const learn_options& how, std::size_t lanes, bool in_panels, carver& scratch)
      : map_(map),
        how_(how),
        panels_(in_panels ? scratch.take<T>(lanes * panels_size()) : nullptr),
        in_panels_(in_panels),
        copies_(scratch.take<T>((lanes - 1) * copy_size())) {}

  [[nodiscard]] bool in_panels() const { return in_panels_; }
  /// Where a lane adds; `sum` is its panels where there are any.   all: the result
  [[nodiscard]] accumulators<T> of(std::size_t lane, const accumulators<T>& all) const {
    accumulators<T> mine = all;
    if (lane > 0) {
      mine.sum = copies_ + (lane - 1) * copy_size();
      mine.unit = mine.sum + (in_panels_ ? 0 : map_.weights());
      mine.matrix = mine.unit + how_.unit_sums * map_.outputs();
      mine.input = mine.matrix + (how_.matrix ? map_.outputs() * map_.outputs() : 0);
    }
    if (in_panels_) mine.sum = panels_ + lane * panels_size();
    return mine;
  }
  void clear(std::size_t lanes, const accumulators<T>& all) const {
    parallel_for(lanes, [&](std::size_t lane) {
      const accumulators<T> mine = of(lane, all);
      std::fill_n(mine.sum, in_panels_ ? panels_size() : map_.weights(), T(0));
      clear_others(map_, how_, mine);
    });
  }
  /// The result, from those of `lanes` lanes; on `threads` where there are panels.
  void add_up(std::size_t lanes, std::size_t threads, const accumulators<T>& all) const {
    if (in_panels_) {
      direct::unpack(map_.outputs(), map_.inputs(), static_cast<const T*>(panels_), lanes, threads, all.sum);
    }
    for (std::size_t lane = 1; lane < lanes; ++lane) {
      const accumulators<T> more = of(lane, all);
      const auto add = [&](auto which, std::size_t size) {
        for (std::size_t i = 0; i < size; ++i) (all.*which)[i] += (more.*which)[i];
      };
      if (!in_panels_) add(&accumulators<T>::sum, map_.weights());
      for_others(map_, how_, all, add);
    }
  }

  /// All sums but the product's.
  static void clear_others(const linear_map& map, const learn_options& how, const accumulators<T>& sums) {
    for_others(map, how, sums, [&](auto which, std::size_t size) { std::fill_n(sums.*which, size, T(0)); });
  }

 private:
  /// f(which, size) for each sum that is wanted, but the product's.
  template <class F>
  static void for_others(const linear_map& map, const learn_options& how, const accumulators<T>& sums, const F& f) {
    if (sums.unit != nullptr) f(&accumulators<T>::unit, how.unit_sums * map.outputs());
    if (how.matrix) f(&accumulators<T>::matrix, map.outputs() * map.outputs());
    if (how.inputs) f(&accumulators<T>::input, map.seen());
  }
  [[nodiscard]] std::size_t panels_size() const { return direct::panels_size<T>(map_.outputs(), map_.inputs()); }
  [[nodiscard]] std::size_t copy_size() const {
    return (in_panels_ ? 0 : map_.weights()) + how_.unit_sums * map_.outputs() +
           (how_.matrix ? map_.outputs() * map_.outputs() : 0) + (how_.inputs ? map_.seen() : 0);
  }

  linear_map map_;
  learn_options how_;
  T* panels_;
  bool in_panels_;
  T* copies_;
};

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu
