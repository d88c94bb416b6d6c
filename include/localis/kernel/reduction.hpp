#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>

#include <localis/kernel/team.hpp>
#include <localis/math/team.hpp>

/// Reductions: kernels whose calls each return some numbers, of which one call gets the sums or the maxima.
namespace localis::kernel {

enum class reduction { sum, largest };

/// What each call of a reduction returns: f(i), an array of numbers in double.
template <class Kernel>
using numbers_of = decltype(std::declval<const Kernel&>()(std::size_t{}));
template <class Kernel>
inline constexpr std::size_t count_of_numbers = std::tuple_size_v<numbers_of<Kernel>>;

/// A reduction calls f(i) for i = 0, 1, ..., in any order, reduces the numbers that the calls return by `f.kind` in an
/// order that depends only on the number of calls, and then calls f.finish(numbers) once. Numbers to take the maximum
/// of are not negative.
template <class Kernel>
concept reducing = requires(const Kernel& f) {
  { Kernel::kind } -> std::convertible_to<reduction>;
  { f(std::size_t{}) } -> std::same_as<std::array<double, count_of_numbers<Kernel>>>;
  f.finish(f(std::size_t{}));
};

/// Adds `more` to `all`, or keeps the larger of each two; a maximum is NaN if any value is.
template <reduction Kind, std::size_t N>
constexpr void combine(std::array<double, N>& all, const std::array<double, N>& more) {
  for (std::size_t k = 0; k < N; ++k) {
    if constexpr (Kind == reduction::sum) {
      all[k] += more[k];
    } else if (more[k] > all[k] || more[k] != more[k]) {
      all[k] = more[k];
    }
  }
}

/// The numbers of many calls in memory, one after the other.
template <std::size_t N>
struct number_parts {
  double* values;

  [[nodiscard]] constexpr std::array<double, N> load(std::size_t i) const {
    std::array<double, N> numbers{};
    for (std::size_t k = 0; k < N; ++k) numbers[k] = values[N * i + k];
    return numbers;
  }
  constexpr void store(std::size_t i, const std::array<double, N>& numbers) const {
    for (std::size_t k = 0; k < N; ++k) values[N * i + k] = numbers[k];
  }
};

// A reduction as three loops, for backends whose calls cannot wait for each other.

/// Stores the numbers of each call.
template <reducing Kernel>
struct store_numbers {
  Kernel kernel;
  number_parts<count_of_numbers<Kernel>> parts;

  constexpr void operator()(std::size_t i) const { parts.store(i, kernel(i)); }
};

/// Reduces `size` parts to `count`: part k becomes the sum, or the maximum, of parts k, k + count, ...
template <reducing Kernel>
struct fold_numbers {
  number_parts<count_of_numbers<Kernel>> parts;
  std::size_t size;
  std::size_t count;

  constexpr void operator()(std::size_t k) const {
    auto all = parts.load(k);
    for (std::size_t i = k + count; i < size; i += count) combine<Kernel::kind>(all, parts.load(i));
    parts.store(k, all);
  }
};

/// Reduces the last parts in their order, and finishes.
template <reducing Kernel>
struct finish_numbers {
  Kernel kernel;
  number_parts<count_of_numbers<Kernel>> parts;
  std::size_t count;

  constexpr void operator()(std::size_t) const {
    numbers_of<Kernel> all{};
    for (std::size_t i = 0; i < count; ++i) combine<Kernel::kind>(all, parts.load(i));
    kernel.finish(all);
  }
};

// A reduction as one launch of blocks of threads, on a GPU: a block reduces the numbers of its threads, and the block
// that comes last reduces those of all blocks. `blocks` describes such blocks by these members, where `block` and
// `thread` are numbers of the launch and of the block:
//
//   numbers, kind                    what a thread contributes, and how it is reduced
//   width()                          threads t, t + width, t + 2 width, ... of a block are reduced to one
//   call_threads                     the number of neighbouring threads that share a call, and are its team
//   of_thread(block, thread, team)   what a thread contributes
//   deposit(block, thread, numbers)  stores a result of the block, for thread < width
//   partners(), arrived(block)       the number of blocks that are reduced to one, and the counter of those that have
//                                    stored their results, 0 before and after the launch
//   of_parts(block, thread)          what a thread of the last block contributes, once all blocks have stored
//   finish(block, thread, numbers)   takes a final result, for thread < width

/// The blocks of one reduction, which have the numbers first_block, first_block + 1, ... in their launch.
template <reducing Kernel>
struct reduction_blocks {
  using numbers = numbers_of<Kernel>;
  static constexpr reduction kind = Kernel::kind;

  Kernel kernel;
  std::uint32_t size;  ///< number of calls
  std::uint32_t first_block;
  number_parts<count_of_numbers<Kernel>> parts;  ///< one for each block
  std::uint32_t* counter;
  std::uint32_t call_threads = 1;  ///< 1 unless the kernel takes teams

  [[nodiscard]] static constexpr std::size_t count(std::size_t size, std::uint32_t threads_of_call = 1) {
    return size == 0 ? 1 : team_blocks(size, threads_of_call);  // one finishes, with zeros, where there is no call
  }
  [[nodiscard]] static constexpr std::uint32_t width() { return 1; }
  [[nodiscard]] constexpr std::uint32_t partners() const {
    return static_cast<std::uint32_t>(count(size, call_threads));
  }
  [[nodiscard]] constexpr std::uint32_t* arrived(std::uint32_t) const { return counter; }

  /// The first lane contributes what its team returns. A team of one makes the call of that lane alone.
  template <class Team>
  [[nodiscard]] constexpr numbers of_thread(std::uint32_t block, std::uint32_t thread, const Team& team) const {
    if constexpr (takes_teams<Kernel>) {
      const std::uint32_t i = (block - first_block) * (block_threads / call_threads) + thread / call_threads;
      if (i >= size || thread % call_threads >= team.lanes()) return {};
      const numbers found = kernel(i, team);
      return team.lane() == 0 ? found : numbers{};
    } else {
      const std::uint32_t i = (block - first_block) * block_threads + thread;
      return i < size ? kernel(i) : numbers{};
    }
  }
  constexpr void deposit(std::uint32_t block, std::uint32_t, const numbers& of_block) const {
    parts.store(block - first_block, of_block);
  }
  [[nodiscard]] constexpr numbers of_parts(std::uint32_t, std::uint32_t thread) const {
    numbers all{};
    for (std::uint32_t part = thread; part < partners(); part += block_threads) combine<kind>(all, parts.load(part));
    return all;
  }
  constexpr void finish(std::uint32_t, std::uint32_t, const numbers& all) const { kernel.finish(all); }
};

/// A launch of one reduction, whose description travels with the launch.
template <class Blocks>
struct one_reduction {
  using blocks_type = Blocks;
  Blocks blocks;

  [[nodiscard]] constexpr const Blocks& of_block(std::uint32_t) const { return blocks; }
};

/// A launch of several reductions, whose descriptions lie in the memory of the device in the order of their blocks.
template <class Blocks>
struct several_reductions {
  using blocks_type = Blocks;
  const Blocks* blocks;
  std::uint32_t count;

  [[nodiscard]] constexpr const Blocks& of_block(std::uint32_t block) const {
    std::uint32_t low = 0;
    for (std::uint32_t high = count; high - low > 1;) {
      const std::uint32_t middle = low + (high - low) / 2;
      (blocks[middle].first_block <= block ? low : high) = middle;
    }
    return blocks[low];
  }
};

}  // namespace localis::kernel
