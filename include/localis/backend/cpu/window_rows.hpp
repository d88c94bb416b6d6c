#pragma once

#include <algorithm>
#include <cstddef>

#include <localis/backend/cpu/direct.hpp>
#include <localis/backend/cpu/parallel.hpp>
#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/kernel/unfold.hpp>

namespace localis::cpu {
inline namespace LOCALIS_CPU_THREADS {

/// Some rows of X, each the window of an output position, for what minimal filtering does not compute by tiles.
template <class T>
struct window_rows {
  linear_map map;
  const T* x;
  range rows;

  /// Sets the response to windows of zeros, which has the rounding errors of its tile, to 0.
  [[gnu::noinline]] void clear_empty(T* u) const {
    for_each([&](const T* sample, std::size_t position, std::size_t i) {
      if (kernel::is_zero_row(map, sample, position)) std::fill_n(u + i * map.outputs(), map.outputs(), T(0));
    });
  }
  /// Adds the rows to `sum`.
  [[gnu::noinline]] void add_inputs(T* sum) const {
    for_each(
        [&](const T* sample, std::size_t position, std::size_t) { kernel::add_row(map, sample, position, T(1), sum); });
  }
  /// Computes sum += G^T X, for gates that are mostly 0.
  [[gnu::noinline]] void add_active(const T* gates, T* sum) const {
    for_each([&](const T* sample, std::size_t position, std::size_t i) {
      direct::for_active(gates + i * map.outputs(), map.outputs(), [&](std::size_t o, T gate) {
        kernel::add_row(map, sample, position, gate, sum + o * map.inputs());
      });
    });
  }

 private:
  /// Calls f(sample, position, i) for row i of them.
  template <class F>
  void for_each(const F& f) const {
    const std::size_t positions = map.out.positions();
    const T* sample = x + rows.begin / positions * map.in.size();
    std::size_t position = rows.begin % positions;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      f(sample, position, i);
      if (++position < positions) continue;
      position = 0;
      sample += map.in.size();
    }
  }
};

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu
