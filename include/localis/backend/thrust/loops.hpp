#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include <localis/kernel/divide.hpp>
#include <localis/kernel/launch.hpp>
#include <localis/kernel/rows.hpp>
#include <localis/kernel/team.hpp>

/// Loops as launches of a System (thrust/backend.hpp).
namespace localis::device {

/// Returns the number of calls that share a row of `columns` columns.
template <class System>
[[nodiscard]] std::size_t row_threads(const System& system, std::size_t columns) {
  if constexpr (System::by_element) {
    return std::clamp<std::size_t>(columns / 16, 1, 128);
  } else {
    return std::clamp<std::size_t>(columns / system.stretch(), 1, 4);
  }
}

/// Launches cut(first row) over rows of `calls` calls; a launch takes only as many rows as have calls that a kernel can
/// count.
template <class System, class Cut>
void launch_rows(const System& system, std::size_t rows, std::size_t calls, const Cut& cut) {
  const std::size_t limit = kernel::most_rows / calls;
  for (std::size_t first = 0; first < rows; first += limit) {
    system.launch((std::min)(limit, rows - first) * calls, cut(first));
  }
}

template <class System, class Kernel>
void for_rows(const System& system, std::size_t rows, std::size_t columns, const Kernel& f) {
  static_assert(std::is_trivially_copyable_v<Kernel>, "localis: a kernel is a trivially copyable function object");
  if (rows == 0 || columns == 0) return;
  if constexpr (System::by_element && kernel::takes_teams<Kernel>) {
    system.launch_teams(rows, kernel::team_lanes(columns), f);
  } else if constexpr (System::by_element) {
    if constexpr (kernel::takes_packs<Kernel>) {
      constexpr std::size_t size = kernel::pack_size<typename Kernel::scalar>;
      const auto launch_packs = [&](auto values) {
        const std::size_t packs = columns / values();
        launch_rows(system, rows, packs, [&](std::size_t first) {
          return kernel::cut_packs<Kernel, values()>{f, kernel::narrow(first), kernel::divider(packs)};
        });
      };
      if (columns % size == 0 && f.packs(size)) {
        launch_packs(std::integral_constant<std::size_t, size>{});
      } else {
        launch_packs(std::integral_constant<std::size_t, 1>{});
      }
      return;
    }
    launch_rows(system, rows, takes_whole_rows<Kernel> ? 1 : columns, [&](std::size_t first) {
      return kernel::cut_elements<Kernel>{f, first, kernel::divider(columns)};
    });
  } else {
    const std::size_t stretch = (std::min)(system.stretch(), columns);
    const std::size_t pieces = takes_whole_rows<Kernel> ? 1 : (columns + stretch - 1) / stretch;
    system.launch(rows * pieces, kernel::cut_rows<Kernel>{f, columns, stretch, pieces});
  }
}

}  // namespace localis::device
