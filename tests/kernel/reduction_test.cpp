#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <localis/kernel/reduction.hpp>

namespace kernel = localis::kernel;

namespace {

/// Returns i and 1, and keeps what it finishes with.
struct counted {
  double* result;

  static constexpr kernel::reduction kind = kernel::reduction::sum;
  constexpr std::array<double, 2> operator()(std::size_t i) const { return {static_cast<double>(i), 1}; }
  constexpr void finish(const std::array<double, 2>& sums) const {
    result[0] += sums[0];
    result[1] += sums[1];
  }
};
using blocks_type = kernel::reduction_blocks<counted>;

}  // namespace

TEST_CASE("kernel::fold_numbers: numbers keep their places, whatever is left over") {
  for (const std::size_t size : {std::size_t{7}, std::size_t{8}, std::size_t{25}}) {
    std::vector<double> parts(2 * size);
    std::vector<double> result(2);
    const counted f{result.data()};
    const kernel::number_parts<2> stored{parts.data()};
    for (std::size_t i = 0; i < size; ++i) kernel::store_numbers<counted>{f, stored}(i);
    for (std::size_t k = 0; k < 7; ++k) kernel::fold_numbers<counted>{stored, size, 7}(k);
    kernel::finish_numbers<counted>{f, stored, 7}(0);
    const auto all = static_cast<double>(size);
    CHECK(result == std::vector<double>{all * (all - 1) / 2, all});
  }
}

TEST_CASE("kernel::reduction_blocks: every call belongs to one thread of one block") {
  constexpr std::size_t threads = kernel::block_threads;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, threads, threads + 1, 3 * threads * threads + 5}) {
    const std::size_t count = blocks_type::count(size);
    std::vector<double> parts(2 * count);
    std::vector<double> result(2);
    const blocks_type blocks{{result.data()}, static_cast<std::uint32_t>(size), 10, {parts.data()}, nullptr};
    CHECK(blocks.team() == count);
    for (std::uint32_t block = 10; block < 10 + count; ++block) {
      std::array<double, 2> sums{};
      for (std::uint32_t t = 0; t < threads; ++t) kernel::combine<counted::kind>(sums, blocks.of_thread(block, t));
      blocks.deposit(block, 0, sums);
    }
    std::array<double, 2> sums{};
    for (std::uint32_t t = 0; t < threads; ++t) kernel::combine<counted::kind>(sums, blocks.of_parts(10, t));
    blocks.finish(10, 0, sums);
    const auto calls = static_cast<double>(size);
    CHECK(result == std::vector<double>{calls * (calls - 1) / 2, calls});
  }
}

TEST_CASE("kernel::several_reductions: a block finds its reduction") {
  const std::vector<std::uint32_t> first_blocks{0, 1, 5, 6};
  std::vector<blocks_type> reductions;
  for (const std::uint32_t first : first_blocks) reductions.push_back({{nullptr}, 1, first, {nullptr}, nullptr});
  const kernel::several_reductions<blocks_type> all{reductions.data(), 4};
  const std::vector<std::uint32_t> expected{0, 1, 1, 1, 1, 5, 6, 6};
  for (std::uint32_t block = 0; block < expected.size(); ++block) {
    CHECK(all.of_block(block).first_block == expected[block]);
  }
}
