#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <localis/kernel/column_blocks.hpp>
#include <localis/kernel/rows.hpp>
#include <localis/math/team.hpp>

namespace kernel = localis::kernel;

namespace {

/// The sums of a column and of its squares, and how often a column was finished.
struct sum_and_square {
  const float* x;
  std::size_t columns;
  int* finished;

  [[nodiscard]] constexpr std::array<float, 2> terms(std::size_t row, std::size_t c) const {
    const float value = x[row * columns + c];
    return {value, value * value};
  }
  constexpr void finish(std::size_t begin, std::size_t end) const {
    for (std::size_t c = begin; c < end; ++c) ++finished[c];
  }
};
using blocks_type = kernel::column_blocks<float, sum_and_square>;

/// What the threads of a block contribute, reduced to its columns.
template <class OfThread>
std::vector<std::array<double, 2>> reduced(std::uint32_t width, const OfThread& of_thread) {
  std::vector<std::array<double, 2>> all(width);
  for (std::uint32_t t = 0; t < kernel::block_threads; ++t) {
    kernel::combine<kernel::reduction::sum>(all[t % width], of_thread(t));
  }
  return all;
}

}  // namespace

TEST_CASE("kernel::column_blocks: each value once, for any number of rows, columns and launches, set and added") {
  for (const std::size_t columns : {1U, 3U, 16U, 31U, 32U, 33U, 100U}) {
    for (const std::size_t rows : {1U, 7U, 255U, 3001U, 20000U}) {
      CAPTURE(columns);
      CAPTURE(rows);
      std::vector<float> x(rows * columns);
      std::vector<float> expected(2 * columns);
      for (std::size_t i = 0; i < x.size(); ++i) {
        x[i] = static_cast<float>(i % 5);  // small integers: any order of the sum is exact
        expected[i % columns] += x[i];
        expected[columns + i % columns] += x[i] * x[i];
      }
      const std::size_t chunks = kernel::chunks_of_blocks(rows, columns);
      const std::size_t groups = kernel::column_groups(columns);
      constexpr std::size_t groups_of_launch = 3;
      std::vector<double> parts(chunks * 2 * columns, -1);
      std::vector<float> sums(2 * columns, 100);
      std::vector<int> finished(columns);
      std::vector<std::uint32_t> counters(groups);
      const auto narrow = [](std::size_t n) { return static_cast<std::uint32_t>(n); };
      const auto launch = [&](kernel::store mode, std::size_t first) {
        const blocks_type blocks{{x.data(), columns, finished.data()},
                                 narrow(rows),
                                 narrow(columns),
                                 narrow(chunks),
                                 parts.data(),
                                 sums.data(),
                                 mode,
                                 counters.data(),
                                 narrow(first)};
        const std::size_t count = (std::min)(groups - first, groups_of_launch);
        REQUIRE(blocks.partners() == chunks);
        for (std::uint32_t block = 0; block < count * chunks; ++block) {
          const auto found = reduced(blocks.width(), [&](std::uint32_t t) {
            return blocks.of_thread(block, t, localis::math::team_of_one{});
          });
          for (std::uint32_t t = 0; t < blocks.width(); ++t) blocks.deposit(block, t, found[t]);
          REQUIRE(blocks.arrived(block) == counters.data() + block / chunks);
        }
        for (std::size_t group = 0; group < count; ++group) {
          const std::uint32_t block = narrow(group * chunks);
          const auto found = reduced(blocks.width(), [&](std::uint32_t t) { return blocks.of_parts(block, t); });
          for (std::uint32_t t = 0; t < blocks.width(); ++t) blocks.finish(block, t, found[t]);
        }
      };
      const auto run = [&](kernel::store mode) {
        for (std::size_t first = 0; first < groups; first += groups_of_launch) launch(mode, first);
      };
      run(kernel::store::replace);
      CHECK(sums == expected);
      run(kernel::store::add);
      for (float& value : expected) value *= 2;
      CHECK(sums == expected);
      CHECK(std::ranges::all_of(finished, [](int count) { return count == 2; }));
    }
  }
}

TEST_CASE("kernel::column_blocks: all blocks of a large GPU have work where there is enough") {
  CHECK(kernel::chunks_of_blocks(131072, 64) * kernel::column_groups(64) == 1024);
  CHECK(kernel::chunks_of_blocks(2048, 512) * kernel::column_groups(512) == 1024);
  CHECK(kernel::chunks_of_blocks(8, 10) == 1);
}
