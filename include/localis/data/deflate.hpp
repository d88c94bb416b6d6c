#pragma once

#include <cstddef>
#include <limits>

namespace localis::data::detail {

/// The most bytes that deflate, which gzip and PNG compress with, can have made `compressed` bytes of: 1032 for each.
[[nodiscard]] constexpr std::size_t most_inflated(std::size_t compressed) {
  constexpr std::size_t ratio = 1032;
  constexpr std::size_t most = (std::numeric_limits<std::size_t>::max)();
  return compressed > most / ratio ? most : compressed * ratio;
}

}  // namespace localis::data::detail
