#pragma once

#include <algorithm>
#include <cstddef>

#include <localis/backend/cpu/panels.hpp>
#include <localis/backend/cpu/parallel.hpp>
#include <localis/backend/cpu/winograd_transforms.hpp>
#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/rows.hpp>

/// Transformed filters of minimal filtering, and sums for them, for some channels of one panel of units: A A planes,
/// each channels x (V vectors of units). They are read from W, and added to dW, a few channels at a time, so that no
/// copy of W is needed.
namespace localis::cpu::winograd {
inline namespace LOCALIS_CPU_THREADS {

/// The weights of a convolution, or those of the convolution that maps its D to dX: units and channels are exchanged,
/// and windows are rotated by 180 degrees.
template <class T>
struct filter_weights {
  const T* w;
  linear_map map;  ///< that W belongs to
  bool turned;

  /// Copies one of the nine weights of each filter.   panel: channels x (`vectors` vectors of units)
  void copy(std::size_t cell, range channels, std::size_t first, std::size_t units, std::size_t vectors,
            T* panel) const {
    const std::size_t inputs = map.inputs();
    if (turned) {
      const T* rows = w + channels.begin * inputs + (8 - cell) * map.in.channels + first;
      direct::copy_rows(rows, inputs, units, channels.size(), vectors, panel);
    } else {
      const T* columns = w + first * inputs + cell * map.in.channels + channels.begin;
      direct::copy_columns(columns, inputs, units, channels.size(), vectors, panel);
    }
  }
};

/// The place of the filters, or of sums for them, of some channels of a panel.
template <class T>
struct panel_filters {
  range channels;
  std::size_t first;  ///< unit
  std::size_t units;
  T* data;            ///< those of the first channel
  std::size_t plane;  ///< elements from plane to plane
};

/// Calls f(channels, offset of their filters in a plane) for as many channels at a time as a vector has values.
template <std::size_t V, class T, class F>
void for_few_channels(const panel_filters<T>& filters, const F& f) {
  for (std::size_t c = 0; c < filters.channels.size(); c += width<T>) {
    const std::size_t begin = filters.channels.begin + c;
    f(range{begin, (std::min)(begin + width<T>, filters.channels.end)}, c * V * width<T>);
  }
}

/// Transforms filters.
template <std::size_t M, std::size_t V, class T>
void load_filters(const filter_weights<T>& weights, const panel_filters<T>& filters) {
  alignas(workspace::alignment) T cells[9 * V * width<T> * width<T>];
  for_few_channels<V>(filters, [&](range channels, std::size_t offset) {
    const std::size_t size = channels.size() * V * width<T>;
    for (std::size_t cell = 0; cell < 9; ++cell) {
      weights.copy(cell, channels, filters.first, filters.units, V, cells + cell * size);
    }
    transform_filters<M>(static_cast<const T*>(cells), size, filters.data + offset, filters.plane);
  });
}

/// Transforms the sums of `copies` arrays, `step` elements apart, for filters and stores them in dW or adds them to it,
/// as `mode` says.   dw: units x 9 x `all_channels`
template <std::size_t M, std::size_t V, class T>
void store_filter_gradients(const panel_filters<T>& sums, std::size_t copies, std::size_t step, T* dw,
                            std::size_t all_channels, kernel::store mode) {
  alignas(workspace::alignment) T cells[9 * V * width<T> * width<T>];
  for_few_channels<V>(sums, [&](range channels, std::size_t offset) {
    const std::size_t size = channels.size() * V * width<T>;
    transform_filter_sums<M>(static_cast<const T*>(sums.data + offset), sums.plane, copies, step, size, cells);
    for (std::size_t cell = 0; cell < 9; ++cell) {
      T* rows = dw + (sums.first * 9 + cell) * all_channels + channels.begin;
      direct::store_columns(static_cast<const T*>(cells + cell * size), sums.units, channels.size(), V, rows,
                            9 * all_channels, mode);
    }
  });
}

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu::winograd
