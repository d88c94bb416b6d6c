#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include <localis/backend/cpu/parallel.hpp>
#include <localis/backend/cpu/resources.hpp>
#include <localis/backend/cpu/winograd_transforms.hpp>
#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/rows.hpp>

/// The tiles of a convolution by minimal filtering: how output positions are cut, and how tiles come from and go to
/// maps.
namespace localis::cpu::winograd {
inline namespace LOCALIS_CPU_THREADS {

/// Calls f with the constant M for M = 2 or 4.
template <class F>
void with_outputs(std::size_t outputs, const F& f) {
  if (outputs == 2) {
    f(std::integral_constant<std::size_t, 2>{});
  } else {
    f(std::integral_constant<std::size_t, 4>{});
  }
}

/// How output positions are cut: into bands of M lines, these into tiles of M columns. Bands are counted over all
/// images. A block is a range of bands: some of one image, or those of a few whole images; it consists of pieces.
struct tiling {
  linear_map map;
  std::size_t outputs;  ///< M
  std::size_t bands;    ///< of an image
  std::size_t tiles;    ///< of a band
  std::size_t block;    ///< bands of a block
  std::size_t piece;    ///< bands of a piece
  bool by_panels;       ///< whether all threads work on one block, and each on panels of its own

  constexpr tiling(const linear_map& convolved, convolution kind) : map(convolved) {
    outputs = kind == convolution::fast && work(4) <= work(2) ? 4 : 2;
    bands = cuts(map.out.height, outputs);
    tiles = cuts(map.out.width, outputs);
    // Up to here, a transformed copy of the weights for all threads, and one of their sums for each, stay in caches.
    constexpr std::size_t many_weights = std::size_t{1} << 15;
    by_panels = map.in.channels * map.out.channels >= many_weights;
    // Enough tiles for a filter that has been transformed, and few enough for the second cache.
    const std::size_t wanted = by_panels ? 128 : 32;
    const std::size_t image = bands * tiles;
    block = image <= wanted ? wanted / image * bands : cuts(bands, cuts(image, wanted));
    piece = !by_panels ? block : block > bands ? bands : 1;
  }
  /// Multiply-adds of an image for each pair of channel and unit.
  [[nodiscard]] constexpr std::size_t work(std::size_t m) const {
    return (m + 2) * (m + 2) * cuts(map.out.height, m) * cuts(map.out.width, m);
  }
  [[nodiscard]] std::size_t elements() const { return (outputs + 2) * (outputs + 2); }
  [[nodiscard]] std::size_t most_tiles() const { return block * tiles; }
  [[nodiscard]] std::size_t pieces() const { return block / piece; }
  /// The largest number of rows of X in so many bands.
  [[nodiscard]] std::size_t rows(std::size_t some_bands) const { return some_bands * outputs * map.out.width; }

  [[nodiscard]] std::size_t blocks(std::size_t samples) const {
    return block >= bands ? cuts(samples, block / bands) : samples * cuts(bands, block);
  }
  /// Makes blocks smaller, so that their number is a multiple of `threads` where that is possible. Blocks of whole
  /// images stay such, because pooling may need them.
  void share_out(std::size_t samples, std::size_t threads) {
    const std::size_t wanted = cuts(blocks(samples), threads) * threads;
    if (block >= bands) {
      block = cuts(samples, wanted) * bands;
    } else {
      block = cuts(bands, (std::min)(bands, cuts(wanted, samples)));
    }
    piece = block;
  }
  /// The bands of a block.
  [[nodiscard]] range bands_of(std::size_t index, std::size_t samples) const {
    if (block >= bands) return {index * block, (std::min)((index + 1) * block, samples * bands)};
    const std::size_t parts = cuts(bands, block);
    const std::size_t image = index / parts * bands;
    const range part = part_of(bands, index % parts, parts);
    return {image + part.begin, image + part.end};
  }
  /// The first row of X of a band.
  [[nodiscard]] std::size_t row_of(std::size_t band) const {
    return (band / bands * map.out.height + band % bands * outputs) * map.out.width;
  }
  /// The rows of X of a range of bands.
  [[nodiscard]] range rows_of(const range& some) const {
    return {row_of(some.begin), some.end % bands == 0 ? some.end / bands * map.out.positions() : row_of(some.end)};
  }

 private:
  [[nodiscard]] static constexpr std::size_t cuts(std::size_t size, std::size_t part) {
    return (size + part - 1) / part;
  }
};

/// Elements of transformed tiles: A A planes, each with a row for every tile.
template <class T>
struct planes {
  T* data;
  std::size_t row;    ///< elements from tile to tile
  std::size_t plane;  ///< elements from plane to plane
};

/// Some consecutive tiles of a block.
struct tile_range {
  std::size_t band;    ///< first band of the block
  std::size_t begin;   ///< the first tile, counted from that band
  std::size_t count;   ///< number of tiles
  std::size_t origin;  ///< row of X at which the array of rows begins
};

/// A tile of outputs, of which a part may lie beyond the map.
struct tile_place {
  std::size_t row;     ///< row of its first output in the array
  std::size_t height;  ///< lines on the map
  std::size_t width;   ///< columns on the map

  tile_place(const tiling& cut, const tile_range& range, std::size_t t) {
    const std::size_t own = range.band + (range.begin + t) / cut.tiles;
    const std::size_t left = (range.begin + t) % cut.tiles * cut.outputs;
    row = cut.row_of(own) + left - range.origin;
    height = (std::min)(cut.outputs, cut.map.out.height - own % cut.bands * cut.outputs);
    width = (std::min)(cut.outputs, cut.map.out.width - left);
  }
};

/// Transforms what the tiles of a band see of some channels of the input.
///   zeros  the channels of a pixel outside of the image
template <std::size_t M, class T>
[[gnu::noinline]] void transform_band(const tiling& cut, const T* x, const T* zeros, std::size_t band,
                                      const range& channels, const planes<T>& v) {
  constexpr std::size_t A = M + 2;
  const shape& in = cut.map.in;
  const std::size_t line = in.width * in.channels;
  const T* image = x + band / cut.bands * in.size() + channels.begin;
  // What lies above or left of the image wraps around to numbers beyond it.
  const std::size_t top = band % cut.bands * M - cut.map.field.padding.height;
  for (std::size_t t = 0; t < cut.tiles; ++t) {
    T* tile = v.data + t * v.row;
    const std::size_t left = t * M - cut.map.field.padding.width;
    if (top < in.height && top + A <= in.height && left < in.width && left + A <= in.width) {
      const T* first = image + top * line + left * in.channels;
      transform_input<M>(
          channels.size(), tile,
          v.plane, [&](auto i, auto j) __attribute__((always_inline)) { return first + i * line + j * in.channels; });
      continue;
    }
    const T* pixels[A][A];
    for (std::size_t i = 0; i < A; ++i) {
      for (std::size_t j = 0; j < A; ++j) {
        const bool exists = top + i < in.height && left + j < in.width;
        pixels[i][j] = exists ? image + (top + i) * line + (left + j) * in.channels : zeros;
      }
    }
    transform_input<M>(
        channels.size(), tile, v.plane, [&](auto i, auto j) __attribute__((always_inline)) { return pixels[i][j]; });
  }
}

/// Fetches the cache lines of a vector of a tile's outputs, which will be stored soon. Stores would wait for them one
/// by one: outputs of a tile are too far apart for the processor to foresee them.
template <class T>
[[gnu::always_inline]] inline void prefetch(const tile_place& place, const T* tile, std::size_t line,
                                            std::size_t pixel) {
  for (std::size_t i = 0; i < place.height; ++i) {
    for (std::size_t j = 0; j < place.width; ++j) __builtin_prefetch(tile + i * line + j * pixel, 1);
  }
}

/// Transforms the products of some tiles and stores what lies on the map, or adds it, for the units of one panel.
///   m      rows of whole vectors, of which `units` values belong to units
///   u      rows of the response, from the panel's first unit on
template <std::size_t M, class T>
[[gnu::noinline]] void store_tiles(const tiling& cut, const tile_range& range, const planes<T>& m, std::size_t units,
                                   T* u, kernel::store mode) {
  const std::size_t pixel = cut.map.out.channels;
  const std::size_t line = cut.map.out.width * pixel;
  for (std::size_t t = 0; t < range.count; ++t) {
    const tile_place place(cut, range, t);
    const tile_place next(cut, range, (std::min)(t + 1, range.count - 1));
    const bool whole = place.height == M && place.width == M && mode == kernel::store::replace;
    for (std::size_t o = 0; o < units; o += width<T>) {
      prefetch(next, u + next.row * pixel + o, line, pixel);
      const T* products = m.data + t * m.row + o;
      T* tile = u + place.row * pixel + o;
      if (whole && o + width<T> <= units) {
        transform_output<M>(
            products, m.plane, [&](auto i, auto j, const packet<T>& values) __attribute__((always_inline)) {
              direct::store<T>(values, tile + i * line + j * pixel);
            });
        continue;
      }
      T outputs[M][M][width<T>];
      transform_output<M>(
          products, m.plane, [&](auto i, auto j, const packet<T>& values) __attribute__((always_inline)) {
            direct::store<T>(values, outputs[i][j]);
          });
      const std::size_t valid = (std::min)(width<T>, units - o);
      for (std::size_t i = 0; i < place.height; ++i) {
        for (std::size_t j = 0; j < place.width; ++j) {
          T* target = tile + i * line + j * pixel;
          const T* source = outputs[i][j];
          for (std::size_t k = 0; k < valid; ++k)
            target[k] = mode == kernel::store::add ? target[k] + source[k] : source[k];
        }
      }
    }
  }
}

/// Transforms the errors, or the gates, of some tiles, with zeros beyond the map and beyond the panel's last unit.
///   d      rows of errors, from the panel's first unit on; all else as in store_tiles
template <std::size_t M, class T>
[[gnu::noinline]] void load_tiles(const tiling& cut, const tile_range& range, const T* d, std::size_t units,
                                  const planes<T>& m) {
  const std::size_t pixel = cut.map.out.channels;
  const std::size_t line = cut.map.out.width * pixel;
  for (std::size_t t = 0; t < range.count; ++t) {
    const tile_place place(cut, range, t);
    for (std::size_t o = 0; o < units; o += width<T>) {
      T* products = m.data + t * m.row + o;
      const T* tile = d + place.row * pixel + o;
      if (place.height == M && place.width == M && o + width<T> <= units) {
        transform_error<M>(
            products, m.plane, [&](auto i, auto j) __attribute__((always_inline)) {
              return load<T>(tile + i * line + j * pixel);
            });
        continue;
      }
      T errors[M][M][width<T>] = {};
      const std::size_t valid = (std::min)(width<T>, units - o);
      for (std::size_t i = 0; i < place.height; ++i) {
        for (std::size_t j = 0; j < place.width; ++j) std::copy_n(tile + i * line + j * pixel, valid, errors[i][j]);
      }
      transform_error<M>(
          products, m.plane, [&](auto i, auto j) __attribute__((always_inline)) { return load<T>(errors[i][j]); });
    }
  }
}

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu::winograd
