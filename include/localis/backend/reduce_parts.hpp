#pragma once

#include <cstddef>

#include <localis/kernel/update.hpp>

namespace localis {

/// Reduces many parts of a sum, or of a largest value, to a few, on any backend, and returns their number. An even
/// number of parts stays even, and parts that alternate do not mix.
template <class Backend>
std::size_t reduce_parts(const Backend& backend, double* parts, std::size_t size,
                         kernel::reduction kind = kernel::reduction::sum) {
  constexpr std::size_t limit = 1024;
  if (size <= limit) return size;
  backend.for_rows(limit, 1, kernel::reduce_parts{parts, size, limit, kind});
  return limit;
}

}  // namespace localis
