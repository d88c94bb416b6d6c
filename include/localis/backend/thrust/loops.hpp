#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include <localis/kernel/divide.hpp>
#include <localis/kernel/launch.hpp>
#include <localis/kernel/rows.hpp>

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

template <class System, class Kernel>
void for_rows(const System& system, std::size_t rows, std::size_t columns, const Kernel& f) {
  static_assert(std::is_trivially_copyable_v<Kernel>, "localis: a kernel is a trivially copyable function object");
  if (rows == 0 || columns == 0) return;
  if constexpr (System::by_element) {
    // A launch takes only as many rows as have elements that 32 bits can count.
    const std::size_t limit = takes_whole_rows<Kernel> ? rows : kernel::most_rows / columns;
    for (std::size_t first = 0; first < rows; first += limit) {
      const std::size_t part = (std::min)(limit, rows - first);
      system.launch(takes_whole_rows<Kernel> ? part : part * columns, kernel::cut_elements<Kernel>{f, first, columns});
    }
  } else {
    const std::size_t stretch = (std::min)(system.stretch(), columns);
    const std::size_t pieces = takes_whole_rows<Kernel> ? 1 : (columns + stretch - 1) / stretch;
    system.launch(rows * pieces, kernel::cut_rows<Kernel>{f, columns, stretch, pieces});
  }
}

}  // namespace localis::device
