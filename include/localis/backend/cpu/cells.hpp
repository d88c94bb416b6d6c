#pragma once

#include <algorithm>
#include <cstddef>

#include <localis/backend/cpu/panels.hpp>
#include <localis/backend/cpu/parallel.hpp>
#include <localis/backend/cpu/window_products.hpp>
#include <localis/backend/cpu/windows.hpp>
#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/rows.hpp>

/// A convolution as a sum of products, one for each cell of its window: U[q] += X[y] W_cell^T and dX[y] += D[q] W_cell,
/// for all positions q that see input position y through the cell. A cell outside the image is not multiplied, and
/// results are added where they belong: there is no frame of zeros, no unfolded input and no packed copy of W.
namespace localis::cpu::direct {
inline namespace LOCALIS_CPU_THREADS {

/// The tiles of such a convolution: some lines of output of a batch, which are whole images if these are small.
struct cell_tiles {
  std::size_t lines;
  std::size_t rows;  ///< positions of a tile

  /// With 128 and 256 rows, times differ by less than runs do, except that 4 x 4 maps of 512 channels and windows of
  /// 5 x 5 take 1.3 and 1.1 times as long (AVX-512).
  constexpr explicit cell_tiles(const linear_map& map) : lines(0), rows(0) {
    constexpr std::size_t most_rows = 512;
    lines = map.out.positions() <= most_rows ? most_rows / map.out.positions() * map.out.height
                                             : (std::max)(most_rows / map.out.width, std::size_t{1});
    rows = lines * map.out.width;
  }
};

/// Pairs of an input pixel and an output pixel that sees it through one cell. A pixel is where its channels begin: that
/// of the input in the batch, that of the output in the tile.
struct cell_pixels {
  std::size_t* inputs;
  std::size_t* outputs;
  std::size_t count = 0;

  /// Takes the pairs of some lines of output of a batch.
  [[gnu::noinline]] void find(const linear_map& map, std::size_t cell, range lines) {
    const window& field = map.field;
    const std::size_t row_offset = cell / field.width * field.dilation.height;
    const std::size_t column_offset = cell % field.width * field.dilation.width;
    count = 0;
    for (std::size_t line = lines.begin; line < lines.end; ++line) {
      // Above the image and left of it, differences wrap around and are too large.
      const std::size_t y = line % map.out.height * field.stride.height + row_offset - field.padding.height;
      if (y >= map.in.height) continue;
      const std::size_t start = (line / map.out.height * map.in.height + y) * map.in.width;
      for (std::size_t column = 0; column < map.out.width; ++column) {
        const std::size_t x = column * field.stride.width + column_offset - field.padding.width;
        if (x >= map.in.width) continue;
        inputs[count] = (start + x) * map.in.channels;
        outputs[count++] = ((line - lines.begin) * map.out.width + column) * map.out.channels;
      }
    }
  }
};

/// Some rows of an array, each of which begins at data + places[p].
template <class T>
struct pixel_rows {
  T* data;
  const std::size_t* places;
  std::size_t columns;
};

/// Computes c += a B on the calling thread for `count` rows, where copy(vectors, begin, length, first, units,
/// panel) copies a block of B to a panel, as for multiply_panels.
template <class T, class Copy>
void add_cell(const pixel_rows<const T>& a, const pixel_rows<T>& c, std::size_t count, const Copy& copy) {
  if (count == 0) return;
  alignas(workspace::alignment) T panel[few_inputs * 3 * width<T>];
  for_panels<T>(c.columns, [&](std::size_t first, std::size_t units, auto vectors) {
    const placed_rows<T> out{c.data + first, c.places, count - 1};
    for (std::size_t begin = 0; begin < a.columns; begin += few_inputs) {
      const std::size_t length = (std::min)(few_inputs, a.columns - begin);
      copy(vectors, begin, length, first, units, panel);
      const windows<T> x{{1, 1, 0, 0, length}, a.data + begin, a.places, count};
      respond_panel<vectors()>(x, static_cast<const T*>(panel), units, out, kernel::store::add);
    }
  });
}

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu::direct
