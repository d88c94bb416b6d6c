#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include <cuda_runtime_api.h>
#include <thrust/for_each.h>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/system/omp/execution_policy.h>

/// Stands in for the CUDA runtime and cuBLAS: host implementations of the functions that localis::cuda calls, with the
/// documented semantics, so that its true code runs where there is no GPU.
///
/// "Device" memory is one arena that can be touched only while a launch, a copy or a product runs: a host that
/// dereferences a device pointer crashes. What is allocated is full of NaN, and so is what was freed.
namespace standin {

enum class mode {
  immediate,  ///< each call does its work before it returns
  deferred,   ///< work is queued by stream and runs as late as it may, when someone waits for it
  racing,     ///< the same for the first stream; what others queue runs as early as it may
  counting    ///< work is counted and left undone
};

/// A fresh device. What is still allocated on the one before stays counted as leaked.
void reset(mode how, std::size_t memory = std::size_t{1} << 30);

/// Calls since reset(), by what they do.
struct counts {
  std::size_t launches = 0;
  std::size_t products = 0;
  int compute_type = 0;  ///< cublasComputeType_t of the last product
  std::uint64_t multiply_adds = 0;
  std::size_t uploads = 0;
  std::size_t downloads = 0;
  std::size_t copies = 0;  ///< on the device
  std::size_t allocations = 0;
  std::size_t synchronizations = 0;  ///< of streams
  std::size_t waits = 0;             ///< for events
  std::size_t all = 0;               ///< calls that can fail
};
[[nodiscard]] const counts& seen();

/// From now on the n-th call that can fail (1: the next) returns `status` and does nothing.
void fail(std::size_t n, int status);

/// Streams, events, handles and allocations that are there.
[[nodiscard]] std::size_t alive();

/// Queues a launch, or runs it.
void submit_launch(cudaStream_t stream, std::function<void()> work);

/// The Executor of cuda::system: where nvcc has par_nosync.on(stream).
struct executor {
  template <class F>
  void operator()(cudaStream_t stream, std::size_t n, const F& f) const {
    submit_launch(stream,
                  [n, f] { thrust::for_each_n(thrust::omp::par, thrust::counting_iterator<std::size_t>(0), n, f); });
  }
};

}  // namespace standin
