#pragma once

#include <cstddef>
#include <limits>

namespace localis::data::detail {

/// The largest number of bytes to which `compressed` bytes can expand with deflate, the compression of gzip and PNG:
/// 1032 for each.
[[nodiscard]] constexpr std::size_t most_inflated(std::size_t compressed) {
  constexpr std::size_t ratio = 1032;
  constexpr std::size_t limit = (std::numeric_limits<std::size_t>::max)();
  return compressed > limit / ratio ? limit : compressed * ratio;
}

}  // namespace localis::data::detail
