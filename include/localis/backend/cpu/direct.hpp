#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <Eigen/Core>

#include <localis/backend/cpu/gemm.hpp>
#include <localis/backend/cpu/parallel.hpp>
#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>

/// Convolution without unfolding, channels last. An image is copied once into a frame of zeros (where there is
/// padding), and every window is read where it lies: a few positions against a few vectors of units at a time, all sums
/// in registers. Weights and their sums are laid out in panels, I x (a few vectors of units), zero beyond the last
/// unit.
///
/// Against the product of the unfolded input this saves the unfolding and its packing, which cost as much as the
/// product itself where channels are few.
namespace localis::cpu::direct {
inline namespace LOCALIS_CPU_THREADS {

/// As many values as one vector register holds.
template <class T>
using packet = typename Eigen::internal::packet_traits<T>::type;
template <class T>
inline constexpr std::size_t width = Eigen::internal::unpacket_traits<packet<T>>::size;

inline constexpr bool many_registers = EIGEN_ARCH_DEFAULT_NUMBER_OF_REGISTERS >= 32;

/// Convolutions all of whose channels go to all units. In groups, products are of few columns; dense layers are one
/// product, whose weights are as large as its rows are few.
[[nodiscard]] constexpr bool takes(const linear_map& map) { return map.groups == 1 && !map.dense(); }

/// The convolution that takes D to dX: weights change places and windows are turned around. Stride 1 only.
[[nodiscard]] constexpr bool takes_gradient(const linear_map& map) {
  return takes(map) && map.field.stride == 1 && map.field.padding < map.field.height_span() &&
         map.field.padding < map.field.width_span() && map.field.height == map.field.width;
}
[[nodiscard]] constexpr linear_map gradient_map(const linear_map& map) {
  linear_map result{map.out, map.in, map.field, 1};
  result.field.padding = map.field.height_span() - 1 - map.field.padding;
  return result;
}

/// f(0) ... f(N - 1), each index a constant: sums then live in registers.
template <std::size_t N, class F>
[[gnu::always_inline]] inline void unrolled(const F& f) {
  [&]<std::size_t... Is>(std::index_sequence<Is...>) { (f(std::integral_constant<std::size_t, Is>{}), ...); }
  (std::make_index_sequence<N>{});
}

// Panels.

/// Values of all panels.
template <class T>
[[nodiscard]] constexpr std::size_t panels_size(std::size_t units, std::size_t inputs) {
  return (units + width<T> - 1) / width<T> * width<T> * inputs;
}
/// f(first unit, units, V) for each panel, where V is the number of its vectors, a constant. It begins at value
/// first unit * inputs.
template <class T, class F>
void for_panels(std::size_t units, const F& f) {
  for (std::size_t first = 0; first < units;) {
    const std::size_t left = (units - first + width<T> - 1) / width<T>;
    const std::size_t vectors = left == 4 ? 2 : std::min<std::size_t>(left, 3);
    const std::size_t mine = (std::min)(units - first, vectors * width<T>);
    if (vectors == 1) f(first, mine, std::integral_constant<std::size_t, 1>{});
    if (vectors == 2) f(first, mine, std::integral_constant<std::size_t, 2>{});
    if (vectors == 3) f(first, mine, std::integral_constant<std::size_t, 3>{});
    first += mine;
  }
}
/// Panels of `weight(unit, input)`, some of them on each thread.
template <class T, class Weight>
void pack(std::size_t units, std::size_t inputs, const Weight& weight, std::size_t threads, T* panels) {
  parallel_for(threads, [&](std::size_t thread) {
    std::size_t index = 0;
    for_panels<T>(units, [&](std::size_t first, std::size_t count, auto vectors) {
      if (index++ % threads != thread) return;
      constexpr std::size_t across = vectors() * width<T>;
      constexpr std::size_t few = 16;  // inputs at a time: reads in rows, writes near each other
      T* panel = panels + first * inputs;
      for (std::size_t begin = 0; begin < inputs; begin += few) {
        const std::size_t end = (std::min)(begin + few, inputs);
        for (std::size_t o = 0; o < across; ++o) {
          for (std::size_t i = begin; i < end; ++i) panel[i * across + o] = o < count ? weight(first + o, i) : T(0);
        }
      }
    });
  });
}
/// dw = the sum of the threads' panels, O x I, in the order of threads.
template <class T>
void unpack(std::size_t units, std::size_t inputs, const T* panels, std::size_t copies, std::size_t threads, T* dw) {
  const std::size_t size = panels_size<T>(units, inputs);
  parallel_for(threads, [&](std::size_t thread) {
    std::size_t index = 0;
    for_panels<T>(units, [&](std::size_t first, std::size_t count, auto vectors) {
      if (index++ % threads != thread) return;
      constexpr std::size_t across = vectors() * width<T>;
      constexpr std::size_t few = 16;
      const T* panel = panels + first * inputs;
      for (std::size_t begin = 0; begin < inputs; begin += few) {
        const std::size_t end = (std::min)(begin + few, inputs);
        for (std::size_t o = 0; o < count; ++o) {
          for (std::size_t i = begin; i < end; ++i) {
            T sum = panel[i * across + o];
            for (std::size_t copy = 1; copy < copies; ++copy) sum += panel[copy * size + i * across + o];
            dw[(first + o) * inputs + i] = sum;
          }
        }
      }
    });
  });
}

// Tiles.

/// How a window is walked: rows x columns stretches of `length` values that lie side by side.
struct stretches {
  std::size_t rows;
  std::size_t columns;
  std::size_t row_step;     ///< elements
  std::size_t column_step;  ///< elements
  std::size_t length;
};

/// Windows p = 0 ... count - 1, which begin at x + places[p step].
template <class T>
struct windows {
  stretches walk;
  const T* x;
  const std::size_t* places;
  std::size_t count;
  std::size_t step = 1;

  [[nodiscard]] const T* at(std::size_t p) const { return x + places[p * step]; }
  /// `number` of them from the first on, each `every`th.
  [[nodiscard]] windows part(std::size_t first, std::size_t number, std::size_t every = 1) const {
    return {walk, x, places + first * step, number, step * every};
  }
};

/// How the positions of a batch are cut into tiles: rows of one image, or a few images.
template <class T>
struct tiling {
  std::size_t lines;   ///< of output
  std::size_t images;  ///< 1 where a tile has not all lines
  std::size_t pixel;   ///< elements from pixel to pixel
  std::size_t line;
  std::size_t image;
  bool framed;

  /// @param together  lines of output that must not be torn apart
  tiling(const linear_map& map, std::size_t tile_bytes, std::size_t together) {
    constexpr std::size_t fewest_rows = 64;
    constexpr std::size_t most_rows = 1024;
    constexpr std::size_t cache_line = workspace::alignment / sizeof(T);
    const std::size_t channels = map.in.channels;
    framed = map.field.padding > 0;
    // An even number of cache lines from pixel to pixel would use few of the first cache's sets.
    pixel = framed && channels % (2 * cache_line) == 0 ? channels + cache_line : channels;
    line = (map.in.width + 2 * map.field.padding) * pixel;
    const auto bytes = [&](std::size_t of) { return input_lines(map, of) * line * sizeof(T); };
    lines = 1;
    while (lines < map.out.height && bytes(lines + 1) <= tile_bytes && (lines + 1) * map.out.width <= most_rows)
      ++lines;
    const std::size_t most_parts = (map.out.height + lines - 1) / lines;
    lines = (map.out.height + most_parts - 1) / most_parts;
    lines = (lines + together - 1) / together * together;
    images = 1;
    if (lines >= map.out.height) {
      lines = map.out.height;
      const std::size_t in_cache = (std::max)(tile_bytes / bytes(lines), fewest_rows / map.out.positions());
      images = std::clamp<std::size_t>(in_cache, 1, std::max<std::size_t>(1, most_rows / map.out.positions()));
    }
    image = framed ? input_lines(map, lines) * line : map.in.size();
  }

  [[nodiscard]] static std::size_t input_lines(const linear_map& map, std::size_t lines) {
    return (lines - 1) * map.field.stride + map.field.height_span();
  }
  /// Rows of X, at most.
  [[nodiscard]] std::size_t rows(const linear_map& map) const { return images * lines * map.out.width; }
  [[nodiscard]] std::size_t frame_size() const { return framed ? images * image : 0; }

  [[nodiscard]] stretches walk(const linear_map& map) const {
    const window& field = map.field;
    if (field.dilation == 1 && pixel == map.in.channels) {
      return {field.height, 1, line, 0, field.width * map.in.channels};
    }
    return {field.height, field.width, field.dilation * line, field.dilation * pixel, map.in.channels};
  }
};

/// Scratch that each thread needs to walk over tiles.
template <class T>
struct tile_arrays {
  T* frames;
  std::size_t* places;

  tile_arrays(const linear_map& map, const tiling<T>& cut, std::size_t threads, workspace& scratch)
      : frames(scratch.take<T>(threads * cut.frame_size())),
        places(scratch.take<std::size_t>(threads * cut.rows(map))) {}
};

/// The lines that output lines `begin` ... of one image see, with zeros around.
template <class T>
[[gnu::noinline]] void frame(const linear_map& map, const tiling<T>& cut, const T* image, std::size_t begin,
                             std::size_t lines, T* to) {
  const std::size_t channels = map.in.channels;
  const std::size_t padding = map.field.padding;
  const std::size_t side = padding * cut.pixel;
  for (std::size_t l = 0; l < tiling<T>::input_lines(map, lines); ++l, to += cut.line) {
    const std::size_t y = begin * map.field.stride + l;
    if (y < padding || y >= map.in.height + padding) {
      std::fill(to, to + cut.line, T(0));
      continue;
    }
    std::fill(to, to + side, T(0));
    const T* from = image + (y - padding) * map.in.width * channels;
    if (cut.pixel == channels) {
      std::copy(from, from + map.in.width * channels, to + side);
    } else {
      for (std::size_t x = 0; x < map.in.width; ++x) {
        std::copy(from + x * channels, from + (x + 1) * channels, to + side + x * cut.pixel);
      }
    }
    std::fill(to + cut.line - side, to + cut.line, T(0));
  }
}

/// body(thread, rows of X, their windows) for each tile; threads own contiguous stretches of tiles.
template <class T, class Body>
void for_tiles(const linear_map& map, tiling<T> cut, const tile_arrays<T>& at, std::size_t samples, const T* x,
               std::size_t threads, const Body& body) {
  const std::size_t frame_size = cut.frame_size();
  const std::size_t most_rows = cut.rows(map);
  const std::size_t parts = (map.out.height + cut.lines - 1) / cut.lines;
  if (parts == 1) {  // as many tiles for each thread
    const std::size_t tiles = ((samples + cut.images - 1) / cut.images + threads - 1) / threads * threads;
    cut.images = (samples + tiles - 1) / tiles;
  }
  const std::size_t tiles = (samples + cut.images - 1) / cut.images * parts;
  const stretches walk = cut.walk(map);
  parallel_for(threads, [&](std::size_t thread) {
    T* frames = at.frames + thread * frame_size;
    std::size_t* places = at.places + thread * most_rows;
    const range mine = part_of(tiles, thread, threads);
    for (std::size_t t = mine.begin; t < mine.end; ++t) {
      const std::size_t first = t / parts * cut.images;
      const std::size_t last = (std::min)(first + cut.images, samples);
      const std::size_t begin = t % parts * cut.lines;
      const std::size_t lines = (std::min)(cut.lines, map.out.height - begin);
      std::size_t count = 0;
      for (std::size_t n = first; n < last; ++n) {
        std::size_t start = (n - first) * cut.image;
        if (cut.framed) {
          frame(map, cut, x + n * map.in.size(), begin, lines, frames + start);
        } else {
          start += begin * map.field.stride * cut.line;
        }
        for (std::size_t y = 0; y < lines; ++y) {
          for (std::size_t column = 0; column < map.out.width; ++column) {
            places[count++] = start + map.field.stride * (y * cut.line + column * cut.pixel);
          }
        }
      }
      const std::size_t row = (first * map.out.height + begin) * map.out.width;
      const T* base = cut.framed ? frames : x + first * map.in.size();
      body(thread, range{row, row + count}, windows<T>{walk, base, places, count});
    }
  });
}

// Products.

/// sums[r, v] += window at x[r] times the panel, for R positions and V vectors of units.
template <std::size_t R, std::size_t V, class T>
[[gnu::always_inline]] inline void respond_block(const stretches& walk, const T* const* x, const T* panel,
                                                 packet<T>* sums) {
  using Eigen::internal::padd;
  using Eigen::internal::ploadu;
  using Eigen::internal::pmadd;
  using Eigen::internal::pset1;
  // One vector: even and odd inputs have sums of their own, or each sum would wait for itself.
  constexpr std::size_t ways = V == 1 ? 2 : 1;
  packet<T> part[ways * R * V];
  unrolled<ways * R * V>([&](auto i) { part[i] = pset1<packet<T>>(T(0)); });
  for (std::size_t row = 0; row < walk.rows; ++row) {
    for (std::size_t column = 0; column < walk.columns; ++column) {
      const std::size_t begin = row * walk.row_step + column * walk.column_step;
      const T* at[R];
      unrolled<R>([&](auto r) { at[r] = x[r] + begin; });
      std::size_t j = 0;
      const auto step = [&](auto way) __attribute__((always_inline)) {
        packet<T> w[V];
        unrolled<V>([&](auto v) { w[v] = ploadu<packet<T>>(panel + v * width<T>); });
        unrolled<R>([&](auto r) {
          const packet<T> value = pset1<packet<T>>(at[r][j]);
          unrolled<V>([&](auto v) {
            constexpr std::size_t i = (way * R + r) * V + v;
            part[i] = pmadd(value, w[v], part[i]);
          });
        });
        panel += V * width<T>;
        ++j;
      };
      if constexpr (ways == 2) {
        while (j + 1 < walk.length) {
          step(std::integral_constant<std::size_t, 0>{});
          step(std::integral_constant<std::size_t, 1>{});
        }
      }
      while (j < walk.length) step(std::integral_constant<std::size_t, 0>{});
    }
  }
  unrolled<R * V>([&](auto i) {
    sums[i] = part[i];
    if constexpr (ways == 2) sums[i] = padd(part[i], part[R * V + i]);
  });
}

/// u = X W^T for one panel's units.   u: count rows, `stride` apart
template <std::size_t V, class T>
[[gnu::noinline]] void respond_panel(const windows<T>& x, const T* panel, std::size_t units, T* u, std::size_t stride) {
  constexpr std::size_t R = many_registers ? 8 : 4;
  for (std::size_t p = 0; p < x.count; p += R) {
    const std::size_t valid = (std::min)(R, x.count - p);
    const T* at[R];
    unrolled<R>([&](auto r) { at[r] = x.at(p + std::min<std::size_t>(r, valid - 1)); });
    packet<T> sums[R * V];
    respond_block<R, V>(x.walk, at, panel, sums);
    unrolled<R>([&](auto r) {
      if (r >= valid) return;
      T* to = u + (p + r) * stride;
      if (units == V * width<T>) {
        unrolled<V>([&](auto v) { Eigen::internal::pstoreu(to + v * width<T>, sums[r * V + v]); });
      } else {
        T row[V * width<T>];
        unrolled<V>([&](auto v) { Eigen::internal::pstoreu(row + v * width<T>, sums[r * V + v]); });
        std::copy(row, row + units, to);
      }
    });
  }
}

/// u = X W^T.   u: count x units,  panels of W
template <class T>
void respond(const windows<T>& x, const T* panels, std::size_t units, std::size_t inputs, T* u) {
  for_panels<T>(units, [&](std::size_t first, std::size_t mine, auto vectors) {
    respond_panel<vectors()>(x, panels + first * inputs, mine, u + first, units);
  });
}

/// to += factor times window p
template <class T>
void add_window(const windows<T>& x, std::size_t p, T factor, T* to) {
  for (std::size_t row = 0; row < x.walk.rows; ++row) {
    for (std::size_t column = 0; column < x.walk.columns; ++column, to += x.walk.length) {
      const T* from = x.at(p) + row * x.walk.row_step + column * x.walk.column_step;
      LOCALIS_VECTORIZE
      for (std::size_t i = 0; i < x.walk.length; ++i) to[i] += factor * from[i];
    }
  }
}

/// panel += X^T D for B inputs in a row, the first of which lies at x + places[p step].   d: count x (V width)
template <std::size_t B, std::size_t V, class T>
[[gnu::always_inline]] inline void product_block(const windows<T>& windows, const T* x, const T* d, T* panel) {
  using Eigen::internal::padd;
  using Eigen::internal::ploadu;
  using Eigen::internal::pmadd;
  using Eigen::internal::pset1;
  // From 0, and added as a whole: rounded as often as there are blocks, not windows.
  packet<T> sums[B * V];
  unrolled<B * V>([&](auto i) { sums[i] = pset1<packet<T>>(T(0)); });
  const std::size_t count = windows.count;
  const std::size_t step = windows.step;
  const std::size_t* place = windows.places;
  for (std::size_t p = 0; p < count; ++p, place += step) {
    const T* at = x + *place;
    packet<T> error[V];
    unrolled<V>([&](auto v) { error[v] = ploadu<packet<T>>(d + (p * V + v) * width<T>); });
    unrolled<B>([&](auto b) {
      const packet<T> value = pset1<packet<T>>(at[b]);
      unrolled<V>([&](auto v) { sums[b * V + v] = pmadd(value, error[v], sums[b * V + v]); });
    });
  }
  unrolled<B * V>([&](auto i) {
    T* to = panel + i * width<T>;
    Eigen::internal::pstoreu(to, padd(ploadu<packet<T>>(to), sums[i]));
  });
}

/// panel += X^T D for one panel's units.
template <std::size_t V, class T>
[[gnu::noinline]] void product_panel(const windows<T>& x, const T* d, T* panel) {
  constexpr std::size_t B =
      many_registers ? std::array<std::size_t, 3>{16, 12, 8}[V - 1] : std::array<std::size_t, 3>{12, 6, 4}[V - 1];
  const stretches& walk = x.walk;
  for (std::size_t row = 0; row < walk.rows; ++row) {
    for (std::size_t column = 0; column < walk.columns; ++column) {
      const T* from = x.x + row * walk.row_step + column * walk.column_step;
      std::size_t j = 0;
      for (; j + B <= walk.length; j += B, panel += B * V * width<T>) product_block<B, V>(x, from + j, d, panel);
      for (; j + 4 <= walk.length; j += 4, panel += 4 * V * width<T>) product_block<4, V>(x, from + j, d, panel);
      for (; j < walk.length; ++j, panel += V * width<T>) product_block<1, V>(x, from + j, d, panel);
    }
  }
}

/// Windows of a product that are read at once: their part of D stays in the first cache.
inline constexpr std::size_t few_windows = 64;
template <class T>
inline constexpr std::size_t product_part = few_windows * 3 * width<T>;

/// panels += X^T D.   d: count x units,  part: scratch, product_part
template <class T>
void add_product(const windows<T>& x, const T* d, std::size_t units, std::size_t inputs, T* part, T* panels) {
  for (std::size_t first_row = 0; first_row < x.count; first_row += few_windows) {
    const windows<T> some = x.part(first_row, (std::min)(few_windows, x.count - first_row));
    const T* rows = d + first_row * units;
    for_panels<T>(units, [&](std::size_t first, std::size_t mine, auto vectors) {
      constexpr std::size_t across = vectors() * width<T>;
      if (units == across) {
        product_panel<vectors()>(some, rows, panels);
        return;
      }
      for (std::size_t p = 0; p < some.count; ++p) {
        const T* from = rows + p * units + first;
        std::copy(from, from + mine, part + p * across);
        std::fill(part + p * across + mine, part + (p + 1) * across, T(0));
      }
      product_panel<vectors()>(some, static_cast<const T*>(part), panels + first * inputs);
    });
  }
}

/// sum += G^T X where most gates are 0.   gates: count x units,  sum: units x inputs
template <class T>
void add_sparse_product(const windows<T>& x, const T* gates, std::size_t units, std::size_t inputs, T* sum) {
  for (std::size_t p = 0; p < x.count; ++p) {
    for (std::size_t o = 0; o < units; ++o) {
      const T gate = gates[p * units + o];
      if (gate != T(0)) add_window(x, p, gate, sum + o * inputs);
    }
  }
}

/// sum += X, summed over windows.   sum: inputs
template <class T>
void add_inputs(const windows<T>& x, T* sum) {
  for (std::size_t p = 0; p < x.count; ++p) add_window(x, p, T(1), sum);
}

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu::direct
