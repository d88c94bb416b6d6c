#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <type_traits>

#include <localis/backend/cpu/packet.hpp>
#include <localis/backend/cpu/panels.hpp>
#include <localis/backend/cpu/parallel.hpp>
#include <localis/backend/cpu/windows.hpp>
#include <localis/config.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/rows.hpp>
#include <localis/math/largest.hpp>

/// Products of windows with panels, computed in blocks of a few positions by a few vectors of units, whose sums all
/// stay in registers.
namespace localis::cpu::direct {
inline namespace LOCALIS_CPU_THREADS {

/// Inputs whose products are summed one after the other. A response is the sum of such sums: the rounding error of one
/// long sum would grow with its length.
inline constexpr std::size_t few_inputs = 128;

/// Computes sums[r, v] = window at x[r] times the panel, for R positions and V vectors of units. Values `ahead` of
/// these are prefetched.
template <std::size_t R, std::size_t V, class T>
[[gnu::always_inline]] inline void respond_block(const stretches& walk, const T* const* x, std::size_t ahead,
                                                 const T* panel, packet<T>* sums) {
  // With one vector, even and odd inputs have separate sums; otherwise each multiply-add would wait for the last one.
  constexpr std::size_t ways = V == 1 ? 2 : 1;
  packet<T> part[ways * R * V];
  unrolled<ways * R * V>([&](auto i) { part[i] = packet<T>{}; });
  unrolled<R * V>([&](auto i) { sums[i] = packet<T>{}; });
  constexpr std::size_t line = workspace::alignment / sizeof(T);
  std::size_t left = few_inputs;
  const auto add_part = [&]() __attribute__((always_inline)) {
    unrolled<R * V>([&](auto i) {
      sums[i] += part[i];
      if constexpr (ways == 2) sums[i] += part[R * V + i];
    });
  };
  for (std::size_t row = 0; row < walk.rows; ++row) {
    for (std::size_t column = 0; column < walk.columns; ++column) {
      const std::size_t begin = row * walk.row_step + column * walk.column_step;
      const T* values[R];
      unrolled<R>([&](auto r) { values[r] = x[r] + begin; });
      std::size_t j = 0;
      const auto step = [&](auto way, std::size_t input) __attribute__((always_inline)) {
        if (input % line == 0) {
          unrolled<R>([&](auto r) __attribute__((always_inline)) { __builtin_prefetch(values[r] + input + ahead); });
        }
        packet<T> w[V];
        unrolled<V>([&](auto v) { w[v] = load(panel + v * width<T>); });
        unrolled<R>([&](auto r) {
          const T value = values[r][input];
          unrolled<V>([&](auto v) {
            constexpr std::size_t i = (way * R + r) * V + v;
            part[i] = multiply_add(value, w[v], part[i]);
          });
        });
        panel += V * width<T>;
      };
      for (;;) {
        const std::size_t end = (std::min)(walk.length, j + left);
        left -= end - j;
        if constexpr (ways == 2) {
          for (; j + 1 < end; j += 2) {
            step(std::integral_constant<std::size_t, 0>{}, j);
            step(std::integral_constant<std::size_t, 1>{}, j + 1);
          }
        }
        for (; j < end; ++j) step(std::integral_constant<std::size_t, 0>{}, j);
        if (j == walk.length) break;
        add_part();
        unrolled<ways * R * V>([&](auto i) { part[i] = packet<T>{}; });
        left = few_inputs;
      }
    }
  }
  add_part();
}

/// Stores a part of a panel's sums, or adds it, as store_sums() does. It is compiled once, not in every block.
template <class T>
[[gnu::noinline]] void store_part(const T* sums, std::size_t count, kernel::store mode, T* place, const T* bias) {
  const bool adds = mode == kernel::store::add;
  for (std::size_t o = 0; o < count; ++o) {
    const T sum = bias == nullptr ? sums[o] : sums[o] + bias[o];
    place[o] = adds ? place[o] + sum : sum;
  }
}
/// Stores V vectors of sums, plus those of `bias` if it is not null, or adds them, as `mode` says, to the first `count`
/// values at `place`.
template <std::size_t V, class T>
[[gnu::always_inline]] inline void store_sums(const packet<T>* sums, std::size_t count, kernel::store mode, T* place,
                                              const T* bias = nullptr) {
  const bool adds = mode == kernel::store::add;
  if (count == V * width<T>) {
    unrolled<V>([&](auto v) __attribute__((always_inline)) {
      T* values = place + v * width<T>;
      packet<T> sum = sums[v];
      if (bias != nullptr) sum += load(bias + v * width<T>);
      store(adds ? load(values) + sum : sum, values);
    });
  } else {
    T row[V * width<T>];
    unrolled<V>([&](auto v) { store(sums[v], row + v * width<T>); });
    store_part(static_cast<const T*>(row), count, mode, place, bias);
  }
}

/// Rows of a result, `stride` elements apart.
template <class T>
struct strided_rows {
  T* u;
  std::size_t stride;

  [[nodiscard]] T* begin(std::size_t row) const { return u + row * stride; }
};
/// Rows of a result, of which row p, for p = 0 ... last, begins at u + places[p].
template <class T>
struct placed_rows {
  T* u;
  const std::size_t* places;
  std::size_t last;

  [[nodiscard]] T* begin(std::size_t row) const { return u + places[(std::min)(row, last)]; }
};

/// Computes u = X W^T + bias or u += X W^T + bias, as `mode` says, for the units of one panel; there may be no bias.
///   u: x.count rows
///
/// What the next R rows read and write is prefetched, because the processor does not foresee this order. Measured with
/// AVX-512 (MobileNetV2's 1 x 1 windows on arrays of 12 to 75 MB): a response takes 0.56 to 0.82 of the time.
template <std::size_t V, class T, class Rows>
[[gnu::noinline]] void respond_panel(const windows<T>& x, const T* panel, std::size_t units, const Rows& u,
                                     kernel::store mode, const T* bias = nullptr) {
  // R V sums, V weights and one value of X are held in registers: at most 28 of 32, or 16 of 16. Measured with AVX-512:
  // with 12 rows for one or two vectors, times differ by less than runs do.
  constexpr std::size_t R = many_registers ? 8 : std::array<std::size_t, 3>{6, 6, 4}[V - 1];
  for (std::size_t p = 0; p < x.count; p += R) {
    const std::size_t valid = (std::min)(R, x.count - p);
    const T* begins[R];
    unrolled<R>([&](auto r) { begins[r] = x.begin(p + std::min<std::size_t>(r, valid - 1)); });
    const std::size_t ahead = x.places[std::min<std::size_t>(p + R, x.count - 1) * x.step] - x.places[p * x.step];
    unrolled<R>([&](auto r) __attribute__((always_inline)) {
      const T* next = u.begin(p + R + r);
      unrolled<V>([&](auto v) __attribute__((always_inline)) { __builtin_prefetch(next + v * width<T>, 1); });
    });
    packet<T> sums[R * V];
    respond_block<R, V>(x.walk, begins, ahead, panel, sums);
    unrolled<R>([&](auto r) {
      if (r < valid) store_sums<V>(sums + r * V, units, mode, u.begin(p + r), bias);
    });
  }
}

/// Computes u = X W^T + bias or u += X W^T + bias, as `mode` says; there may be no bias.
///   u: x.count x units,  panels: W
template <class T>
void respond(const windows<T>& x, const T* panels, std::size_t units, std::size_t inputs, T* u, kernel::store mode,
             const T* bias) {
  for_panels<T>(units, [&](std::size_t first, std::size_t count, auto vectors) {
    respond_panel<vectors()>(x, panels + first * inputs, count, strided_rows<T>{u + first, units}, mode,
                             bias == nullptr ? nullptr : bias + first);
  });
}

/// Computes sum += factor times window p.   sum: inputs
template <class T>
void add_window(const windows<T>& x, std::size_t p, T factor, T* sum) {
  for (std::size_t row = 0; row < x.walk.rows; ++row) {
    for (std::size_t column = 0; column < x.walk.columns; ++column, sum += x.walk.length) {
      const T* values = x.begin(p) + row * x.walk.row_step + column * x.walk.column_step;
      LOCALIS_VECTORIZE
      for (std::size_t i = 0; i < x.walk.length; ++i) sum[i] += factor * values[i];
    }
  }
}

/// Where X^T D is stored: rows of `count` units, `stride` elements apart, one for each input.
template <class T>
struct product_rows {
  T* rows;
  std::size_t stride;
  std::size_t count;
  kernel::store mode;
};

/// Some rows of D, of which `row` is the first, `stride` elements apart. Values `ahead` of these are prefetched.
template <class T>
struct error_rows {
  const T* row;
  std::size_t stride;
  std::size_t ahead = 0;
};

/// Computes X^T D for B consecutive inputs, the first at x + places[p step]. Values `ahead` of these are prefetched.
///   d: count rows of V width values
template <std::size_t B, std::size_t V, class T>
[[gnu::always_inline]] inline void product_block(const windows<T>& windows, const T* x, std::size_t ahead,
                                                 const error_rows<T>& d, product_rows<T>& out) {
  // The sums start at 0 and are added to the result as a whole: it is rounded once per block, not once per window.
  packet<T> sums[B * V];
  unrolled<B * V>([&](auto i) { sums[i] = packet<T>{}; });
  const std::size_t count = windows.count;
  const std::size_t step = windows.step;
  const std::size_t* place = windows.places;
  const T* errors = d.row;
  for (std::size_t p = 0; p < count; ++p, place += step, errors += d.stride) {
    const T* values = x + *place;
    __builtin_prefetch(values + ahead);
    packet<T> error[V];
    unrolled<V>([&](auto v) __attribute__((always_inline)) {
      __builtin_prefetch(errors + v * width<T> + d.ahead);
      error[v] = load(errors + v * width<T>);
    });
    unrolled_factors<B>(
        values, [&](auto b, T value) __attribute__((always_inline)) {
          unrolled<V>([&](auto v) __attribute__((always_inline)) {
            sums[b * V + v] = multiply_add(value, error[v], sums[b * V + v]);
          });
        });
  }
  unrolled<B>([&](auto b) __attribute__((always_inline)) {
    store_sums<V>(sums + b * V, out.count, out.mode, out.rows + b * out.stride);
  });
  out.rows += B * out.stride;
}

/// Computes X^T D for the units of one panel.   d: x.count rows of V width values
///
/// As many windows after these are prefetched. Measured as for respond_panel: a product takes 0.54 to 0.8 of the time.
template <std::size_t V, class T>
[[gnu::noinline]] void product_panel(const windows<T>& x, const error_rows<T>& d, product_rows<T> out) {
  // B V sums, V errors and a value or a vector of X are held in registers: at most 28 of 32, or 16 of 16.
  constexpr std::size_t B =
      many_registers ? std::array<std::size_t, 3>{16, 12, 8}[V - 1] : std::array<std::size_t, 3>{12, 6, 4}[V - 1];
  const stretches& walk = x.walk;
  const std::size_t ahead = x.count > 1 ? (x.places[x.step] - x.places[0]) * x.count : 0;
  // Rows of windows on three colours, of 9, 15 or 21 inputs, are cut into nearly equal blocks: the few sums of a single
  // input, such as the last of 9, would wait for each other. Each size of a block is code of its own, so there are few.
  const bool of_colours = walk.length % 3 == 0 && walk.length % 4 != 0 && walk.length < 24;
  constexpr std::size_t largest = (std::min)(B / 3, std::size_t{3}) * 3;
  const std::size_t blocks = (walk.length + largest - 1) / largest;
  for (std::size_t row = 0; row < walk.rows; ++row) {
    for (std::size_t column = 0; column < walk.columns; ++column) {
      const T* values = x.x + row * walk.row_step + column * walk.column_step;
      if (of_colours) {
        for (std::size_t block = 0; block < blocks; ++block) {
          const range inputs = part_of(walk.length, block, blocks, 3);
          unrolled<largest / 3>([&](auto i) __attribute__((always_inline)) {
            constexpr std::size_t size = 3 * (i + 1);
            if (inputs.size() == size) product_block<size, V>(x, values + inputs.begin, ahead, d, out);
          });
        }
        continue;
      }
      std::size_t j = 0;
      for (; j + B <= walk.length; j += B) product_block<B, V>(x, values + j, ahead, d, out);
      for (; j + 4 <= walk.length; j += 4) product_block<4, V>(x, values + j, ahead, d, out);
      for (; j < walk.length; ++j) product_block<1, V>(x, values + j, ahead, d, out);
    }
  }
}

/// Computes panel += X^T D for the units of one panel.   d: x.count rows of V width values
template <std::size_t V, class T>
void product_panel(const windows<T>& x, const error_rows<T>& d, T* panel) {
  constexpr std::size_t panel_units = V * width<T>;
  product_panel<V>(x, d, product_rows<T>{panel, panel_units, panel_units, kernel::store::add});
}

/// Windows of a product that are read at once. Their part of D, 12 KiB where a panel is three vectors of AVX-512, stays
/// in the first cache beside the windows; more windows would load and store the sums of a panel less often. Measured
/// with AVX2 (bench_layer): with 32 and 128 windows, times differ by less than runs do.
inline constexpr std::size_t few_windows = 64;
template <class T>
inline constexpr std::size_t product_part = few_windows * 3 * width<T>;

/// Computes panels += X^T D.   d: x.count x units,  part: scratch of product_part<T> values
///
/// Whole panels of few units are read in place, and the next rows of D are prefetched. Measured with AVX-512 on three
/// channels: a product takes 0.67 (3 x 3 windows, 32 units) to 0.97 (5 x 5, 96 units) of the time. Rows of 128 units or
/// more, at multiples of 512 bytes, compete for few sets of the first cache: in place, it takes 1.1 to 1.4 times as
/// long.
template <class T>
void add_product(const windows<T>& x, const T* d, std::size_t units, std::size_t inputs, T* part, T* panels) {
  constexpr std::size_t few_bytes = std::size_t{24} * 1024;
  const bool in_place = few_windows * units * sizeof(T) <= few_bytes;
  for (std::size_t first_row = 0; first_row < x.count; first_row += few_windows) {
    const windows<T> some = x.part(first_row, (std::min)(few_windows, x.count - first_row));
    const T* rows = d + first_row * units;
    for_panels<T>(units, [&](std::size_t first, std::size_t count, auto vectors) {
      constexpr std::size_t panel_units = vectors() * width<T>;
      error_rows<T> errors{rows + first, units, few_windows * units};
      if (count < panel_units || !in_place) {
        copy_rows(rows + first, units, count, some.count, vectors, part);
        errors = {part, panel_units};
      }
      product_panel<vectors()>(some, errors, panels + first * inputs);
    });
  }
}

/// Calls f(unit, gate) for each gate of a row that is not 0, of which there are few. They are searched by arithmetic,
/// because no processor predicts which unit wins.
template <class T, class F>
void for_active(const T* gates, std::size_t units, const F& f) {
  constexpr std::size_t few_units = 64;
  for (std::size_t begin = 0; begin < units; begin += few_units) {
    const T* some = gates + begin;
    const std::size_t size = (std::min)(few_units, units - begin);
    const auto is_active = [=](auto o) { return some[o] == T(0) ? 0 : 1; };
    math::places found = math::first_place<T>(0, size, is_active);
    while (found.first < size) {
      f(begin + found.first, some[found.first]);
      if (found.others == 0) break;
      found = math::first_place<T>(found.first + 1, size, is_active);
    }
  }
}

/// Computes sum += G^T X, for gates that are mostly 0.   gates: x.count x units,  sum: units x inputs
template <class T>
void add_sparse_product(const windows<T>& x, const T* gates, std::size_t units, std::size_t inputs, T* sum) {
  for (std::size_t p = 0; p < x.count; ++p) {
    for_active(gates + p * units, units, [&](std::size_t o, T gate) { add_window(x, p, gate, sum + o * inputs); });
  }
}

/// Computes sum += the sum of all windows.   sum: inputs
template <class T>
void add_inputs(const windows<T>& x, T* sum) {
  for (std::size_t p = 0; p < x.count; ++p) add_window(x, p, T(1), sum);
}

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu::direct
