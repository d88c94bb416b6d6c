#pragma once

#include <cstddef>

#include <localis/kernel/update.hpp>

namespace localis {

/// Reduces `size` parts of a sum, or of a maximum, to at most 1024, in place and on any backend, and returns their
/// number. An even number of parts remains even, and two alternating sequences of parts do not mix.
template <class Backend>
std::size_t reduce_parts(const Backend& backend, double* parts, std::size_t size,
                         kernel::reduction kind = kernel::reduction::sum) {
  constexpr std::size_t limit = 1024;
  if (size <= limit) return size;
  backend.for_rows(limit, 1, kernel::reduce_parts{parts, size, limit, kind});
  return limit;
}

}  // namespace localis
