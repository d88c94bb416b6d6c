#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <localis/kernel/reduction.hpp>
#include <localis/kernel/team.hpp>
#include <localis/math/team.hpp>

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

/// Returns i and 1 in every lane.
struct counted_by_team : counted {
  template <class Team = localis::math::team_of_one>
  constexpr std::array<double, 2> operator()(std::size_t i, const Team& = {}) const {
    return {static_cast<double>(i), 1};
  }
};
struct lane_of {
  std::size_t number;
  std::size_t count;
  [[nodiscard]] constexpr std::size_t lane() const { return number; }
  [[nodiscard]] constexpr std::size_t lanes() const { return count; }
};

/// Runs the threads of all blocks, each with the team team_of(thread).
template <class Kernel, class TeamOf>
void check_blocks(std::size_t size, std::uint32_t lanes, const TeamOf& team_of) {
  using blocks = kernel::reduction_blocks<Kernel>;
  const std::size_t count = blocks::count(size, lanes);
  std::vector<double> parts(2 * count);
  std::vector<double> result(2);
  const blocks all{{result.data()}, static_cast<std::uint32_t>(size), 10, {parts.data()}, nullptr, lanes};
  CHECK(all.partners() == count);
  const auto sum_up = [](const auto& of_thread) {
    std::array<double, 2> sums{};
    for (std::uint32_t t = 0; t < kernel::block_threads; ++t) kernel::combine<Kernel::kind>(sums, of_thread(t));
    return sums;
  };
  for (std::uint32_t block = 10; block < 10 + count; ++block) {
    all.deposit(block, 0, sum_up([&](std::uint32_t t) { return all.of_thread(block, t, team_of(t)); }));
  }
  all.finish(10, 0, sum_up([&](std::uint32_t t) { return all.of_parts(10, t); }));
  const auto calls = static_cast<double>(size);
  CHECK(result == std::vector<double>{calls * (calls - 1) / 2, calls});
}

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
    check_blocks<counted>(size, 1, [](std::uint32_t) { return localis::math::team_of_one{}; });
  }
}

TEST_CASE("kernel::reduction_blocks: every call belongs to one team, whose lanes contribute its numbers once") {
  static_assert(kernel::takes_teams<counted_by_team> && !kernel::takes_teams<counted>);
  for (const std::uint32_t lanes : {1U, 8U, kernel::block_threads}) {
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{32}, std::size_t{33}, std::size_t{300}}) {
      check_blocks<counted_by_team>(size, lanes, [](std::uint32_t) { return localis::math::team_of_one{}; });
      check_blocks<counted_by_team>(size, lanes, [=](std::uint32_t thread) { return lane_of{thread % lanes, lanes}; });
    }
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
