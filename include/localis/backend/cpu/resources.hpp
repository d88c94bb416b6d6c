#pragma once

#include <cstddef>

#include <localis/backend/cpu/parallel.hpp>
#include <localis/config.hpp>
#include <localis/core/shape.hpp>

namespace localis::cpu {
inline namespace LOCALIS_CPU_THREADS {

/// How convolutions by windows of 3 x 3 with a stride of 1 are computed in float: by winograd.hpp where that is faster,
/// or always by direct.hpp, as in double. winograd.hpp says how their results differ.
enum class convolution {
  fast,         ///< minimal filtering in tiles of 4 x 4 outputs, or of 2 x 2 where these fill the map better
  small_error,  ///< minimal filtering in tiles of 2 x 2 outputs
  direct        ///< sums of products, nothing else
};

/// How products of floats are computed. bfloat16_products.hpp says what bfloat16 changes, and on which processors it is
/// faster.
enum class precision {
  float32,  ///< in float
  /// Operands are rounded to bfloat16, and sums are those of float. Minimal filtering, depthwise convolutions, sums of
  /// few gates, X H^T and X - G W stay in float.
  bfloat16
};

/// The threads and the cache that an algorithm may use; cpu::options with its defaults filled in.
struct resources {
  std::size_t threads = 1;
  std::size_t tile_bytes = 0;
  std::size_t grain = 0;
  cpu::convolution convolution = cpu::convolution::fast;
  cpu::precision precision = cpu::precision::float32;

  /// A multiply-add of a product costs about a sixteenth of an element of a loop: products run on registers, loops wait
  /// for memory. The ratio is an estimate (one AVX-512 register of floats); with a quarter of it and four times as
  /// much, times differ by less than runs do (bench_layer, AVX2, two threads).
  static constexpr std::size_t multiply_adds_per_element = 16;

  /// Returns the number of threads that a loop over `elements` values is worth.
  [[nodiscard]] std::size_t threads_for(std::size_t elements) const { return elements < grain ? 1 : threads; }
  /// Returns the number of threads that the product of a linear map is worth.
  [[nodiscard]] std::size_t threads_for(const linear_map& map, std::size_t samples) const {
    return threads_for(map.rows(samples) * map.weights() / multiply_adds_per_element);
  }

  /// Calls body(columns) for parts of a product's columns, on as many threads as its work is worth. Parts begin at
  /// multiples of 16 columns, so that the rows of a part are whole vectors and, with float, whole cache lines that no
  /// other thread writes.
  ///
  /// @param column_work  multiply-adds of one column
  template <class Body>
  void split_columns(std::size_t column_work, std::size_t columns, const Body& body) const {
    const std::size_t count = threads_for(column_work * columns / multiply_adds_per_element);
    parallel_for(count, [&](std::size_t thread) {
      const range part = part_of(columns, thread, count, 16);
      if (part.size() > 0) body(part);
    });
  }
};

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu
