#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <localis/core/workspace.hpp>
#include <localis/data/batch.hpp>
#include <localis/kernel/divide.hpp>
#include <localis/kernel/elementwise.hpp>
#include <localis/model/step_options.hpp>

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

/// The staging buffers of a batch, arrays in the arena after those of the plan. If kernels can reach the host's memory,
/// these are only the features that bytes are converted to.
template <class Network, class Backend>
class staging_buffers {
 public:
  using scalar = typename Backend::scalar;

  /// The number of bytes that place() needs.
  [[nodiscard]] static std::size_t bytes(const memory_request& request) {
    workspace measured;
    staging_buffers().take(request, measured);
    return measured.used();
  }
  void place(std::byte* base, const memory_request& request) {
    workspace pieces(base);
    take(request, pieces);
  }

  /// Returns the address at which kernels can read the features of a batch. The upload, if there is one, may still be
  /// running.
  const scalar* features_async(Backend& backend, const data::batch_view<scalar>& batch) {
    if (!batch.pixels.empty()) {
      backend.for_rows(batch.size, Network::input.size(),
                       kernel::look_up<scalar>{arriving(backend, batch.pixels, pixels_),
                                               to_device(backend, batch.pixel_values, pixel_values_), features_[0],
                                               Network::input.size(), kernel::narrow(Network::input.channels),
                                               kernel::divider(Network::input.channels)});
      return features_[0];
    }
    if (features_[1] == nullptr) return to_device(backend, batch.features, features_[0]);
    return arriving(backend, batch.features, features_);
  }
  const std::uint32_t* labels(Backend& backend, std::span<const std::uint32_t> host) const {
    return to_device(backend, host, labels_);
  }
  const scalar* targets(Backend& backend, std::span<const scalar> host) const {
    return to_device(backend, host, targets_);
  }

 private:
  void take(const memory_request& request, workspace& pieces) {
    const std::size_t values = request.batch * Network::input.size();
    features_ = {};
    if (request.pixels) features_[0] = pieces.take<scalar>(values);
    if constexpr (!Backend::memory::host_accessible) {
      if (request.pixels) {
        for (std::uint8_t*& buffer : pixels_) buffer = pieces.take<std::uint8_t>(values);
        pixel_values_ = pieces.take<float>(256 * Network::input.channels);
      } else {
        for (scalar*& buffer : features_) buffer = pieces.take<scalar>(values);
      }
      labels_ = pieces.take<std::uint32_t>(request.batch);
      targets_ = pieces.take<scalar>(request.batch * Network::output.size());
    }
  }
  /// Like to_device(), but the upload may still be running; the copies are used in turn.
  template <class T>
  const T* arriving(Backend& backend, std::span<const T> host, const std::array<T*, 2>& copies) {
    if constexpr (Backend::memory::host_accessible) {
      return host.data();
    } else {
      T* copy = copies[batches_++ % 2];
      backend.upload_async(host, copy);
      return copy;
    }
  }

  // Of two arrays, one is read while the next batch arrives in the other.
  std::array<scalar*, 2> features_{};  ///< the first alone if batches arrive as bytes
  std::array<std::uint8_t*, 2> pixels_{};
  float* pixel_values_ = nullptr;
  std::uint32_t* labels_ = nullptr;
  scalar* targets_ = nullptr;
  std::size_t batches_ = 0;  ///< number of batches staged so far
};

}  // namespace localis::detail
