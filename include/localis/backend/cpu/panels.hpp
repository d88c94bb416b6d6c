#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include <localis/backend/cpu/packet.hpp>
#include <localis/backend/cpu/parallel.hpp>
#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/kernel/rows.hpp>

/// The layout of weights and their sums in direct convolution: panels of I x (a few vectors of units), with zeros
/// beyond the last unit.
namespace localis::cpu::direct {
inline namespace LOCALIS_CPU_THREADS {

/// Returns the number of values in all panels.
template <class T>
[[nodiscard]] constexpr std::size_t panels_size(std::size_t units, std::size_t inputs) {
  return (units + width<T> - 1) / width<T> * width<T> * inputs;
}
/// Calls f(first unit, units, V) for each panel, where the constant V is the number of its vectors. The panel begins at
/// value first unit * inputs.
///
/// Panels are as wide as registers allow (respond_panel): each broadcast value of X then serves three vectors of units.
/// Four vectors are split into two and two, because a panel of one vector loads X as often for a third of the work.
template <class T, class F>
void for_panels(std::size_t units, const F& f) {
  for (std::size_t first = 0; first < units;) {
    const std::size_t left = (units - first + width<T> - 1) / width<T>;
    const std::size_t vectors = left == 4 ? 2 : std::min<std::size_t>(left, 3);
    const std::size_t count = (std::min)(units - first, vectors * width<T>);
    if (vectors == 1) f(first, count, std::integral_constant<std::size_t, 1>{});
    if (vectors == 2) f(first, count, std::integral_constant<std::size_t, 2>{});
    if (vectors == 3) f(first, count, std::integral_constant<std::size_t, 3>{});
    first += count;
  }
}
/// Cuts each panel into `parts`, and calls f(first unit, units, parts, V) for each panel of which the thread has some.
/// Each thread has a contiguous range.
template <class T, class F>
void for_panel_parts(std::size_t outputs, std::size_t parts, std::size_t thread, std::size_t threads, const F& f) {
  std::size_t panels = 0;
  for_panels<T>(outputs, [&](std::size_t, std::size_t, auto) { ++panels; });
  const range own = part_of(panels * parts, thread, threads);
  std::size_t index = 0;
  for_panels<T>(outputs, [&](std::size_t first, std::size_t units, auto vectors) {
    const std::size_t begin = (std::max)(own.begin, index);
    const std::size_t end = (std::min)(own.end, index + parts);
    if (begin < end) f(first, units, range{begin - index, end - index}, vectors);
    index += parts;
  });
}
// The number of vectors is a run-time value here: copying once per value of a matrix is not worth a copy of the code
// for each number.

/// Copies rows of `units` values, `stride` elements apart, to a panel of `vectors` vectors.
template <class T>
[[gnu::noinline]] void copy_rows(const T* rows, std::size_t stride, std::size_t units, std::size_t inputs,
                                 std::size_t vectors, T* panel) {
  const bool is_full = units == vectors * width<T>;
  for (std::size_t i = 0; i < inputs; ++i, rows += stride) {
    for (std::size_t first = 0; first < vectors * width<T>; first += width<T>, panel += width<T>) {
      if (is_full) {
        store(load(rows + first), panel);
      } else {
        for (std::size_t o = 0; o < width<T>; ++o) panel[o] = first + o < units ? rows[first + o] : T(0);
      }
    }
  }
}
/// Copies columns of `units` rows, `stride` elements apart, to a panel of `vectors` vectors.
template <class T>
[[gnu::noinline]] void copy_columns(const T* rows, std::size_t stride, std::size_t units, std::size_t inputs,
                                    std::size_t vectors, T* panel) {
  const std::size_t panel_units = vectors * width<T>;
  const std::size_t squares = inputs / width<T> * width<T>;
  for (std::size_t first = 0; first < panel_units; first += width<T>) {
    for (std::size_t i = 0; i < squares; i += width<T>) {
      packet<T> square[width<T>];
      unrolled<width<T>>([&](auto r) {
        const std::size_t unit = first + r;
        square[r] = unit < units ? load(rows + unit * stride + i) : packet<T>{};
      });
      transpose<T>(square);
      unrolled<width<T>>([&](auto r) { store(square[r], panel + (i + r) * panel_units + first); });
    }
  }
  for (std::size_t i = squares; i < inputs; ++i) {
    T* values = panel + i * panel_units;
    for (std::size_t o = 0; o < units; ++o) values[o] = rows[o * stride + i];
    std::fill(values + units, values + panel_units, T(0));
  }
}

/// Stores a panel of `vectors` vectors in columns of `units` rows, `stride` elements apart, or adds it to them, as
/// `mode` says.
template <class T>
[[gnu::noinline]] void store_columns(const T* panel, std::size_t units, std::size_t inputs, std::size_t vectors,
                                     T* rows, std::size_t stride, kernel::store mode) {
  const std::size_t panel_units = vectors * width<T>;
  const std::size_t squares = inputs / width<T> * width<T>;
  const bool adds = mode == kernel::store::add;
  for (std::size_t first = 0; first < panel_units; first += width<T>) {
    for (std::size_t i = 0; i < squares; i += width<T>) {
      packet<T> square[width<T>];
      unrolled<width<T>>([&](auto r) { square[r] = load(panel + (i + r) * panel_units + first); });
      transpose<T>(square);
      unrolled<width<T>>([&](auto r) {
        const std::size_t unit = first + r;
        T* place = rows + unit * stride + i;
        if (unit < units) store(adds ? load(place) + square[r] : square[r], place);
      });
    }
  }
  for (std::size_t i = squares; i < inputs; ++i) {
    for (std::size_t o = 0; o < units; ++o) {
      T& place = rows[o * stride + i];
      place = adds ? place + panel[i * panel_units + o] : panel[i * panel_units + o];
    }
  }
}

/// W, as pack() reads it.
template <class T>
struct plain_weights {
  const T* w;
  std::size_t inputs;

  void copy(std::size_t first, std::size_t count, std::size_t vectors, T* panel) const {
    copy_columns(w + first * inputs, inputs, count, inputs, vectors, panel);
  }
};
/// The weights of the convolution that maps D to dX if the stride is 1: units and channels are exchanged, and windows
/// are rotated by 180 degrees.
template <class T>
struct turned_weights {
  const T* w;
  linear_map map;  ///< that W belongs to

  void copy(std::size_t first, std::size_t count, std::size_t vectors, T* panel) const {
    for (std::size_t cell = map.field.positions(); cell-- > 0; panel += map.outputs() * vectors * width<T>) {
      copy_rows(w + cell * map.in.channels + first, map.inputs(), count, map.outputs(), vectors, panel);
    }
  }
};

/// Packs weights into panels, some of them on each thread.
template <class T, class Weights>
void pack(std::size_t units, std::size_t inputs, const Weights& weights, std::size_t threads, T* panels) {
  parallel_for(threads, [&](std::size_t thread) {
    std::size_t index = 0;
    for_panels<T>(units, [&](std::size_t first, std::size_t count, auto vectors) {
      if (index++ % threads == thread) weights.copy(first, count, vectors, panels + first * inputs);
    });
  });
}
/// Computes `units` rows of dw as the sum of `copies` panels of `vectors` vectors, `step` elements apart.
template <class T>
[[gnu::noinline]] void unpack_panel(const T* panel, std::size_t units, std::size_t inputs, std::size_t vectors,
                                    std::size_t copies, std::size_t step, T* rows) {
  const std::size_t panel_units = vectors * width<T>;
  const std::size_t squares = inputs / width<T> * width<T>;
  for (std::size_t begin = 0; begin < units; begin += width<T>, panel += width<T>, rows += width<T> * inputs) {
    const std::size_t valid = (std::min)(width<T>, units - begin);
    for (std::size_t i = 0; i < squares; i += width<T>) {
      packet<T> square[width<T>];
      unrolled<width<T>>([&](auto r) {
        const T* values = panel + (i + r) * panel_units;
        square[r] = load(values);
        for (std::size_t copy = 1; copy < copies; ++copy) square[r] += load(values + copy * step);
      });
      transpose<T>(square);
      unrolled<width<T>>([&](auto r) {
        if (r < valid) store(square[r], rows + r * inputs + i);
      });
    }
    for (std::size_t i = squares; i < inputs; ++i) {
      for (std::size_t o = 0; o < valid; ++o) {
        const T* value = panel + i * panel_units + o;
        T sum = *value;
        for (std::size_t copy = 1; copy < copies; ++copy) sum += value[copy * step];
        rows[o * inputs + i] = sum;
      }
    }
  }
}
/// Computes dw, O x I, as the sum of `copies` sets of panels, one set per thread, added in the order of threads.
template <class T>
void unpack(std::size_t units, std::size_t inputs, const T* panels, std::size_t copies, std::size_t threads, T* dw) {
  parallel_for(threads, [&](std::size_t thread) {
    std::size_t index = 0;
    for_panels<T>(units, [&](std::size_t first, std::size_t count, auto vectors) {
      if (index++ % threads != thread) return;
      unpack_panel(panels + first * inputs, count, inputs, vectors, copies, panels_size<T>(units, inputs),
                   dw + first * inputs);
    });
  });
}

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu::direct
