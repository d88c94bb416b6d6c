#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <tuple>

#include <localis/kernel/divide.hpp>
#include <localis/kernel/reduction.hpp>
#include <localis/kernel/rows.hpp>

namespace localis::kernel {

/// The number of columns that a block shares among its threads: at most 32, a power of 2.
[[nodiscard]] constexpr std::size_t block_width(std::size_t columns) {
  return columns < 32 ? std::bit_ceil(columns) : 32;
}
/// The number of groups of so many columns.
[[nodiscard]] constexpr std::size_t column_groups(std::size_t columns) {
  return std::max<std::size_t>((columns + block_width(columns) - 1) / block_width(columns), 1);
}
/// The number of chunks of rows: all blocks of a large GPU have work, and a thread adds up a few rows at least.
[[nodiscard]] constexpr std::size_t chunks_of_blocks(std::size_t rows, std::size_t columns) {
  constexpr std::size_t blocks = 1024;
  constexpr std::size_t fewest_rows = 4;
  const std::size_t limit = rows / (block_threads / block_width(columns) * fewest_rows);
  const std::size_t chunks = (std::min)(blocks / column_groups(columns), limit);
  return chunks > 0 ? chunks : 1;
}

/// The blocks that take the sums of a kernel over rows, f.terms(row, column), on a GPU. The threads of a block share a
/// group of neighbouring columns and a chunk of rows: a warp reads one row, or a few, and keeps its sums in registers.
/// A few rows are added up in T, all else in double.
template <class T, class Kernel>
struct column_blocks {
  static constexpr std::size_t count = std::tuple_size_v<terms_of<Kernel>>;
  using numbers = std::array<double, count>;
  static constexpr reduction kind = reduction::sum;
  static constexpr std::uint32_t call_threads = 1;

  Kernel kernel;
  std::uint32_t rows;
  std::uint32_t columns;
  std::uint32_t chunks;
  double* parts;  ///< chunks x count x columns
  T* sums;        ///< count x columns
  store mode;
  std::uint32_t* counters;  ///< one for each group of columns of the launch
  std::uint32_t first_group = 0;
  // Computed where the launch is described, so that no thread divides.
  divider by_chunks = divider(chunks);          ///< splits a block into group and chunk
  std::uint32_t chunk_rows = rows / chunks;     ///< rows of a chunk
  std::uint32_t larger_chunks = rows % chunks;  ///< the first chunks, which have one row more

  [[nodiscard]] constexpr std::uint32_t width() const { return 1U << width_bits(); }
  [[nodiscard]] constexpr std::uint32_t partners() const { return chunks; }
  [[nodiscard]] constexpr std::uint32_t* arrived(std::uint32_t block) const {
    return counters + by_chunks(block).whole;
  }

  template <class Team>
  [[nodiscard]] constexpr numbers of_thread(std::uint32_t block, std::uint32_t thread, const Team&) const {
    const std::uint32_t column = column_of(block, thread);
    numbers total{};
    if (column >= columns) return total;
    const std::uint32_t chunk = by_chunks(block).remainder;
    const std::uint32_t begin = chunk * chunk_rows + (chunk < larger_chunks ? chunk : larger_chunks);
    const std::uint32_t end = begin + chunk_rows + (chunk < larger_chunks ? 1 : 0);
    const std::uint32_t lanes = block_threads >> width_bits();  // a power of two
    std::uint32_t row = begin + (thread >> width_bits());
    std::uint32_t left = row < end ? (end - row + lanes - 1) >> lane_bits() : 0;
    while (left > 0) {
      const std::uint32_t some = left < few_rows ? left : few_rows;
      std::array<T, count> part{};
#if defined(__CUDA_ARCH__)
#pragma unroll 8
#endif
      for (std::uint32_t k = 0; k < some; ++k) add_terms(kernel.terms(row + k * lanes, column), part.data(), 1);
      for (std::size_t k = 0; k < count; ++k) total[k] += static_cast<double>(part[k]);
      row += some * lanes;
      left -= some;
    }
    return total;
  }
  constexpr void deposit(std::uint32_t block, std::uint32_t thread, const numbers& of_block) const {
    const std::uint32_t column = column_of(block, thread);
    if (column >= columns) return;
    for (std::size_t k = 0; k < count; ++k) *part(by_chunks(block).remainder, k, column) = of_block[k];
  }
  [[nodiscard]] constexpr numbers of_parts(std::uint32_t block, std::uint32_t thread) const {
    const std::uint32_t column = column_of(block, thread);
    numbers total{};
    if (column >= columns) return total;
    const std::uint32_t lanes = block_threads >> width_bits();
#if defined(__CUDA_ARCH__)
#pragma unroll 8
#endif
    for (std::uint32_t chunk = thread >> width_bits(); chunk < chunks; chunk += lanes) {
      for (std::size_t k = 0; k < count; ++k) total[k] += *part(chunk, k, column);
    }
    return total;
  }
  constexpr void finish(std::uint32_t block, std::uint32_t thread, const numbers& total) const {
    const std::uint32_t column = column_of(block, thread);
    if (column >= columns) return;
    for (std::size_t k = 0; k < count; ++k) {
      T* sum = sums + k * columns + column;
      *sum = (mode == store::add ? *sum : T(0)) + static_cast<T>(total[k]);
    }
    finish_columns(kernel, std::size_t{column}, std::size_t{column} + 1);
  }

 private:
  static constexpr std::uint32_t few_rows = 32;

  [[nodiscard]] constexpr std::uint32_t width_bits() const {
    return columns < 32 ? narrow(std::bit_width(columns - 1)) : 5;
  }
  [[nodiscard]] constexpr std::uint32_t lane_bits() const { return std::bit_width(block_threads) - 1 - width_bits(); }
  [[nodiscard]] constexpr std::uint32_t column_of(std::uint32_t block, std::uint32_t thread) const {
    return ((first_group + by_chunks(block).whole) << width_bits()) + (thread & (width() - 1));
  }
  [[nodiscard]] constexpr double* part(std::uint32_t chunk, std::size_t k, std::uint32_t column) const {
    return parts + (chunk * count + k) * columns + column;
  }
};

}  // namespace localis::kernel
