#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <localis/core/workspace.hpp>

namespace localis::detail {

/// Returns the address at which kernels can read `host`: its own or, if they cannot reach the host's memory, that of
/// its copy in `copy`. It is null if `host` is empty.
template <class Backend, class T>
const T* to_device(Backend& backend, std::span<const T> host, T* copy) {
  if (host.empty()) return nullptr;
  if constexpr (Backend::memory::host_accessible) {
    return host.data();
  } else {
    backend.upload(host, copy);
    return copy;
  }
}

/// The staging buffers of a batch. If kernels cannot reach the host's memory, these are arrays in the arena after those
/// of the plan; otherwise there are none.
template <class Network, class Backend>
class staging_buffers {
 public:
  using scalar = typename Backend::scalar;

  /// The number of bytes that place() needs for batches of up to `batch` samples.
  [[nodiscard]] static std::size_t bytes(std::size_t batch) {
    workspace measured;
    staging_buffers().take(batch, measured);
    return measured.used();
  }
  void place(std::byte* base, std::size_t batch) {
    workspace pieces(base);
    take(batch, pieces);
  }

  /// Returns the address at which kernels can read the features of a batch. The upload, if there is one, may still be
  /// running.
  const scalar* features_async(Backend& backend, std::span<const scalar> host) {
    if constexpr (Backend::memory::host_accessible) {
      return host.data();
    } else {
      scalar* copy = features_[batches_++ % 2];
      backend.upload_async(host, copy);
      return copy;
    }
  }
  const std::uint32_t* labels(Backend& backend, std::span<const std::uint32_t> host) const {
    return to_device(backend, host, labels_);
  }
  const scalar* targets(Backend& backend, std::span<const scalar> host) const {
    return to_device(backend, host, targets_);
  }

 private:
  void take(std::size_t batch, workspace& pieces) {
    if constexpr (!Backend::memory::host_accessible) {
      for (scalar*& buffer : features_) buffer = pieces.take<scalar>(batch * Network::input.size());
      labels_ = pieces.take<std::uint32_t>(batch);
      targets_ = pieces.take<scalar>(batch * Network::output.size());
    }
  }

  std::array<scalar*, 2> features_{};  ///< used in turn: the next batch arrives while this one is computed
  std::uint32_t* labels_ = nullptr;
  scalar* targets_ = nullptr;
  std::size_t batches_ = 0;  ///< number of batches staged so far
};

}  // namespace localis::detail
