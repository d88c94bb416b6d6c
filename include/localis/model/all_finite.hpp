#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <localis/loss/loss.hpp>

namespace localis::detail {

/// Whether all values of an array in the backend's memory are finite.
template <class Backend>
bool all_finite(const Backend& backend, std::span<const typename Backend::scalar> array) {
  if constexpr (Backend::memory::host_accessible) {
    return loss::all_finite(array.data(), array.size());
  } else {
    using scalar = typename Backend::scalar;
    constexpr std::size_t limit = std::size_t{1} << 20;
    std::vector<scalar> host((std::min)(limit, array.size()));
    for (std::size_t first = 0; first < array.size(); first += limit) {
      const std::size_t count = (std::min)(limit, array.size() - first);
      backend.download(array.data() + first, std::span<scalar>(host.data(), count));
      if (!loss::all_finite(host.data(), count)) return false;
    }
    return true;
  }
}

}  // namespace localis::detail
