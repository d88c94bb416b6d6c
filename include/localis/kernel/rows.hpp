#pragma once

#include <cstddef>
#include <type_traits>

namespace localis {

/// Whether a kernel takes whole rows: f(row). All other kernels take a stretch of a row's columns, f(row, begin, end),
/// and backends may cut rows into stretches. There are at most kernel::most_rows rows and columns.
template <class Kernel>
inline constexpr bool takes_whole_rows = std::is_invocable_v<const Kernel&, std::size_t>;

template <class Kernel>
constexpr void run_row(const Kernel& f, std::size_t row, std::size_t columns) {
  if constexpr (takes_whole_rows<Kernel>) {
    f(row);
  } else {
    f(row, 0, columns);
  }
}

namespace kernel {

/// Whether a result replaces the values of its array or is added to them.
enum class store { replace, add };

}  // namespace kernel

}  // namespace localis
