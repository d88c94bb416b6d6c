#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <localis/kernel/divide.hpp>
#include <localis/math/team.hpp>

/// Which threads of a GPU share a row.
namespace localis::kernel {

/// The number of threads of a block.
inline constexpr std::uint32_t block_threads = 256;
/// The number of threads of a warp, which exchange values without memory.
inline constexpr std::uint32_t warp_threads = 32;

/// Whether a kernel of whole rows lets a team share a row: f(row, team), which the lanes of the team call together.
/// Without teams, backends call f(row).
template <class Kernel>
inline constexpr bool takes_teams = std::is_invocable_v<const Kernel&, std::size_t, const math::any_team&>;

/// Returns the number of lanes of a team that shares a row of `columns` elements: those of a part of a warp, which may
/// be one, or for a long row those of a whole block.
constexpr std::uint32_t team_lanes(std::size_t columns) {
  constexpr std::size_t long_row = 512;
  if (columns >= long_row) return block_threads;
  return static_cast<std::uint32_t>((std::min)(std::bit_floor(columns | 1), std::size_t{warp_threads}));
}

/// Returns the number of blocks of threads that have a team of `lanes` lanes for each of some rows.
constexpr std::size_t team_blocks(std::size_t rows, std::uint32_t lanes) {
  const std::size_t teams = block_threads / lanes;
  return divide(rows + teams - 1, teams).whole;
}

}  // namespace localis::kernel
