#pragma once

#include <algorithm>
#include <cstddef>

#include <localis/backend/cpu/parallel.hpp>
#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>

/// Tiles of a convolution's input. If there is padding, an image is copied once into a frame of zeros; every window is
/// then read in place.
namespace localis::cpu::direct {
inline namespace LOCALIS_CPU_THREADS {

/// The memory layout of a window: rows x columns stretches, each of `length` contiguous values.
struct stretches {
  std::size_t rows;
  std::size_t columns;
  std::size_t row_step;     ///< elements from row to row
  std::size_t column_step;  ///< elements from column to column
  std::size_t length;
};

/// A sequence of windows, of which window p, for p = 0 ... count - 1, begins at x + places[p step].
template <class T>
struct windows {
  stretches walk;
  const T* x;
  const std::size_t* places;
  std::size_t count;
  std::size_t step = 1;

  [[nodiscard]] const T* begin(std::size_t p) const { return x + places[p * step]; }
  /// Returns `number` of these windows: window `first` and every `every`th after it.
  [[nodiscard]] windows part(std::size_t first, std::size_t number, std::size_t every = 1) const {
    return {walk, x, places + first * step, number, step * every};
  }
};

/// The division of output positions into tiles: some lines of one image, or a few whole images.
template <class T>
struct tiling {
  std::size_t lines;   ///< lines of output in a tile
  std::size_t images;  ///< images in a tile; 1 if a tile does not hold all lines of an image
  std::size_t pixel;   ///< elements from pixel to pixel
  std::size_t line;    ///< elements from line to line
  std::size_t image;   ///< elements from image to image in a tile
  bool framed;         ///< whether images are copied into frames of zeros

  /// @param pool  number of lines of output that a tile must keep together
  tiling(const linear_map& map, std::size_t tile_bytes, std::size_t pool) {
    // A tile has at least 64 rows, or the panels of W, which may be larger than a cache, would be read for few rows.
    // More than 1024 rows would leave the threads too few tiles to share. Measured on two threads (bench_layer): with
    // half and twice these numbers, times differ by less than runs do (AVX2); with tiles of 21 and 42 rows, 3 x 3
    // windows with a stride of 2 on 14 x 14 x 512 and 28 x 28 x 256 took a sixth and a tenth longer (AVX-512).
    constexpr std::size_t fewest_rows = 64;
    constexpr std::size_t most_rows = 1024;
    constexpr std::size_t cache_line = workspace::alignment / sizeof(T);
    const std::size_t channels = map.in.channels;
    framed = map.field.padding != 0;
    // An even number of cache lines from pixel to pixel would use only few of the first cache's sets.
    pixel = framed && channels % (2 * cache_line) == 0 ? channels + cache_line : channels;
    line = (map.in.width + 2 * map.field.padding.width) * pixel;
    const auto bytes = [&](std::size_t output_lines) { return input_lines(map, output_lines) * line * sizeof(T); };
    lines = 1;
    while (lines < map.out.height && (bytes(lines + 1) <= tile_bytes || lines * map.out.width < fewest_rows) &&
           (lines + 1) * map.out.width <= most_rows) {
      ++lines;
    }
    const std::size_t most_parts = (map.out.height + lines - 1) / lines;
    lines = (map.out.height + most_parts - 1) / most_parts;
    lines = (lines + pool - 1) / pool * pool;
    images = 1;
    if (lines >= map.out.height) {
      lines = map.out.height;
      const std::size_t in_cache = (std::max)(tile_bytes / bytes(lines), fewest_rows / map.out.positions());
      images = std::clamp<std::size_t>(in_cache, 1, std::max<std::size_t>(1, most_rows / map.out.positions()));
    }
    image = framed ? input_lines(map, lines) * line : map.in.size();
  }

  [[nodiscard]] static std::size_t input_lines(const linear_map& map, std::size_t lines) {
    return (lines - 1) * map.field.stride.height + map.field.height_span();
  }
  /// Returns the largest number of rows of X in a tile.
  [[nodiscard]] std::size_t rows(const linear_map& map) const { return images * lines * map.out.width; }
  [[nodiscard]] std::size_t frame_size() const { return framed ? images * image : 0; }

  [[nodiscard]] stretches walk(const linear_map& map) const {
    const window& field = map.field;
    if (field.dilation.width == 1 && pixel == map.in.channels) {
      return {field.height, 1, field.dilation.height * line, 0, field.width * map.in.channels};
    }
    return {field.height, field.width, field.dilation.height * line, field.dilation.width * pixel, map.in.channels};
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

/// Copies the input lines that output lines begin ... begin + lines - 1 of one image see, surrounded by zeros, to
/// `line`.
template <class T>
[[gnu::noinline]] void frame(const linear_map& map, const tiling<T>& cut, const T* image, std::size_t begin,
                             std::size_t lines, T* line) {
  const std::size_t channels = map.in.channels;
  const std::size_t padding = map.field.padding.height;
  const std::size_t side = map.field.padding.width * cut.pixel;
  for (std::size_t l = 0; l < tiling<T>::input_lines(map, lines); ++l, line += cut.line) {
    const std::size_t y = begin * map.field.stride.height + l;
    if (y < padding || y >= map.in.height + padding) {
      std::fill(line, line + cut.line, T(0));
      continue;
    }
    std::fill(line, line + side, T(0));
    const T* pixels = image + (y - padding) * map.in.width * channels;
    if (cut.pixel == channels) {
      std::copy(pixels, pixels + map.in.width * channels, line + side);
    } else {
      for (std::size_t x = 0; x < map.in.width; ++x) {
        std::copy(pixels + x * channels, pixels + (x + 1) * channels, line + side + x * cut.pixel);
      }
    }
    std::fill(line + cut.line - side, line + cut.line, T(0));
  }
}

/// Calls body(thread, rows, windows) for each tile, with its rows of X and their windows; each thread owns a contiguous
/// range of tiles.
template <class T, class Body>
void for_tiles(const linear_map& map, tiling<T> cut, const tile_arrays<T>& arrays, std::size_t samples, const T* x,
               std::size_t threads, const Body& body) {
  const std::size_t frame_size = cut.frame_size();
  const std::size_t most_rows = cut.rows(map);
  const std::size_t parts = (map.out.height + cut.lines - 1) / cut.lines;
  if (parts == 1) {  // every thread gets the same number of tiles
    const std::size_t tiles = ((samples + cut.images - 1) / cut.images + threads - 1) / threads * threads;
    cut.images = (samples + tiles - 1) / tiles;
  }
  const std::size_t tiles = (samples + cut.images - 1) / cut.images * parts;
  const stretches walk = cut.walk(map);
  const std::size_t line_step = map.field.stride.height * cut.line;
  const std::size_t pixel_step = map.field.stride.width * cut.pixel;
  parallel_for(threads, [&](std::size_t thread) {
    T* frames = arrays.frames + thread * frame_size;
    std::size_t* places = arrays.places + thread * most_rows;
    const range part = part_of(tiles, thread, threads);
    for (std::size_t t = part.begin; t < part.end; ++t) {
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
          start += begin * map.field.stride.height * cut.line;
        }
        for (std::size_t y = 0; y < lines; ++y) {
          for (std::size_t column = 0; column < map.out.width; ++column) {
            places[count++] = start + y * line_step + column * pixel_step;
          }
        }
      }
      const std::size_t row = (first * map.out.height + begin) * map.out.width;
      const T* base = cut.framed ? frames : x + first * map.in.size();
      body(thread, range{row, row + count}, windows<T>{walk, base, places, count});
    }
  });
}

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu::direct
