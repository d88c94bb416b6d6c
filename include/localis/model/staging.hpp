#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <localis/core/workspace.hpp>

namespace localis::detail {

/// Where a batch comes to from the host: pieces of the arena behind the plan, where kernels cannot reach the host's
/// memory; else nothing.
template <class Network, class Backend>
struct staging_buffers {
  using scalar = typename Backend::scalar;

  std::array<scalar*, 2> features{};  ///< take turns: the next batch arrives while this one is computed
  std::uint32_t* labels = nullptr;
  scalar* targets = nullptr;

  staging_buffers(std::size_t batch, workspace& pieces) {
    if constexpr (!Backend::memory::host_accessible) {
      for (scalar*& one : features) one = pieces.take<scalar>(batch * Network::input.size());
      labels = pieces.take<std::uint32_t>(batch);
      targets = pieces.take<scalar>(batch * Network::output.size());
    }
  }
  [[nodiscard]] static std::size_t bytes(std::size_t batch) {
    workspace measured;
    (void)staging_buffers(batch, measured);
    return measured.used();
  }
};

}  // namespace localis::detail
