#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include <cublas_v2.h>
#include <cuda_bf16.h>
#include <cuda_runtime_api.h>

#include <localis/backend/cuda/error.hpp>
#include <localis/core/error.hpp>
#include <localis/core/memory.hpp>

namespace localis::cuda {

/// Eight bits of exponent, as float has, and seven of mantissa. `cuda::backend<float, cuda::bfloat16>` stores what
/// products read so: half the bytes of unfolded inputs, on tensor cores; sums, weights and activations stay floats.
using bfloat16 = __nv_bfloat16;

/// How cuBLAS multiplies what is stored as floats; sums are in float.
enum class math {
  pedantic,  ///< in float
  tf32,      ///< rounded to 10 bits of mantissa, on tensor cores
  bf16       ///< rounded to 7 bits of mantissa, on tensor cores
};

struct options {
  int device = 0;
  math precision = math::pedantic;
  std::size_t chunk_bytes = std::size_t{128} << 20;     ///< of the input that are unfolded at once
  std::size_t workspace_bytes = std::size_t{32} << 20;  ///< of cuBLAS; its own default may allocate in a step
};

namespace detail {

struct destroy_stream {
  void operator()(cudaStream_t stream) const noexcept { (void)cudaStreamDestroy(stream); }
};
struct destroy_blas {
  void operator()(cublasHandle_t handle) const noexcept { (void)cublasDestroy(handle); }
};
struct destroy_event {
  void operator()(cudaEvent_t event) const noexcept { (void)cudaEventDestroy(event); }
};
struct release_to {
  cudaStream_t stream = nullptr;
  void operator()(void* data) const noexcept { (void)cudaFreeAsync(data, stream); }
};
struct release_pinned {
  void operator()(void* data) const noexcept { (void)cudaFreeHost(data); }
};

}  // namespace detail

/// A point in a stream that others wait for.
class event {
 public:
  /// Behind all that the stream has taken.
  void record(cudaStream_t stream) {
    if (event_ == nullptr) {
      cudaEvent_t fresh = nullptr;
      check_call(cudaEventCreateWithFlags(&fresh, cudaEventDisableTiming), "cudaEventCreateWithFlags");
      event_.reset(fresh);
    }
    check_call(cudaEventRecord(event_.get(), stream), "cudaEventRecord");
  }
  // All three: reached, where it was never recorded.
  [[nodiscard]] bool reached() const {
    if (event_ == nullptr) return true;
    const cudaError_t state = cudaEventQuery(event_.get());
    if (state == cudaErrorNotReady) return false;
    check_call(state, "cudaEventQuery");
    return true;
  }
  void wait() const {
    if (event_ != nullptr) check_call(cudaEventSynchronize(event_.get()), "cudaEventSynchronize");
  }
  /// What the stream takes from now on waits; the host does not.
  void wait_event(cudaStream_t stream) const {
    if (event_ != nullptr) check_call(cudaStreamWaitEvent(stream, event_.get(), 0), "cudaStreamWaitEvent");
  }

 private:
  std::unique_ptr<CUevent_st, detail::destroy_event> event_;
};

/// Host memory that a device reads and writes by itself, and a point behind the last copy.
class pinned {
 public:
  [[nodiscard]] void* data() const { return data_.get(); }
  [[nodiscard]] event& copied() { return copied_; }
  [[nodiscard]] const event& copied() const { return copied_; }

  /// Waits for the last copy, then makes room.
  void reserve(std::size_t bytes) {
    copied_.wait();
    if (bytes <= size_) return;
    data_.reset();
    size_ = 0;
    void* fresh = nullptr;
    check_call(cudaMallocHost(&fresh, bytes), "cudaMallocHost");
    data_.reset(fresh);
    size_ = bytes;
  }

 private:
  std::unique_ptr<void, detail::release_pinned> data_;
  std::size_t size_ = 0;
  event copied_;
};

/// A device's streams, its cuBLAS handle and its memory: what all copies of a backend share. Everything runs in the
/// order of one stream, but for batches on their way to the device, which have one of their own. Memory comes from the
/// stream's pool and is counted; it is zero at first. Threads that use it must have its device current (cudaSetDevice),
/// as the one that made it has, and must take turns: streams, handle and the last batch's place are not guarded. Two
/// threads at once want a backend each.
///
/// Errors: device_error names the call, the code and its text.
class context {
 public:
  static constexpr bool host_accessible = false;

  explicit context(const options& chosen) : options_(chosen) {
    int devices = 0;
    check_call(cudaGetDeviceCount(&devices), "cudaGetDeviceCount");
    expect(chosen.device >= 0 && chosen.device < devices, "cuda::options: device",
           text("one of the ", devices, " devices").c_str(), chosen.device);
    check_call(cudaSetDevice(chosen.device), "cudaSetDevice");
    stream_.reset(fresh_stream());
    upload_stream_.reset(fresh_stream());
    cublasHandle_t blas = nullptr;
    check_call(cublasCreate(&blas), "cublasCreate");
    blas_.reset(blas);
    check_call(cublasSetStream(blas, stream()), "cublasSetStream");
    workspace_ = device_memory(take(chosen.workspace_bytes, "the workspace of cuBLAS"), detail::release_to{stream()});
    check_call(cublasSetWorkspace(blas, workspace_.get(), chosen.workspace_bytes), "cublasSetWorkspace");
  }
  ~context() {
    (void)cudaStreamSynchronize(upload_stream_.get());
    (void)cudaStreamSynchronize(stream());
  }
  context(const context&) = delete;
  context& operator=(const context&) = delete;

  [[nodiscard]] const options& chosen() const { return options_; }
  [[nodiscard]] cudaStream_t stream() const { return stream_.get(); }
  [[nodiscard]] cublasHandle_t blas() const { return blas_.get(); }

  // Memory of core/memory.hpp.

  [[nodiscard]] void* allocate(memory_kind kind, std::size_t bytes) {
    device_memory data(take(bytes, name_of(kind)), detail::release_to{stream()});
    check_call(cudaMemsetAsync(data.get(), 0, bytes, stream()), "cudaMemsetAsync");
    counters_.take(kind, bytes);
    fresh_memory_ = true;
    return data.release();
  }
  void release(memory_kind kind, void* data, std::size_t bytes) noexcept {
    detail::release_to{stream()}(data);
    counters_.give(kind, bytes);
  }
  [[nodiscard]] memory_counters& counters() { return counters_; }

  // Copies, in the stream's order.

  /// The host may change what it gave at once: it is copied into pinned memory first, of which a few pieces take turns.
  void upload(const void* source, std::size_t bytes, void* target) {
    if (bytes == 0) return;
    pinned& place = pinned_[next_++ % pinned_.size()];
    place.reserve(bytes);
    std::memcpy(place.data(), source, bytes);
    check_call(cudaMemcpyAsync(target, place.data(), bytes, cudaMemcpyHostToDevice, stream()), "cudaMemcpyAsync");
    place.copied().record(stream());
  }
  /// As upload(), while the device computes: for what comes step by step. Two pieces of memory take turns as `target`,
  /// and what is launched between two calls uses the piece of the first; the copy waits for what was launched before
  /// the last call, so that one piece is read while the other fills.
  void upload_async(const void* source, std::size_t bytes, void* target) {
    if (bytes == 0) return;
    pinned& place = batches_[next_batch_++ % batches_.size()];
    place.reserve(bytes);
    std::memcpy(place.data(), source, bytes);
    if (std::exchange(fresh_memory_, false)) before_batch_.record(stream());  // `target` is not there before
    before_batch_.wait_event(upload_stream_.get());
    before_batch_.record(stream());
    check_call(cudaMemcpyAsync(target, place.data(), bytes, cudaMemcpyHostToDevice, upload_stream_.get()),
               "cudaMemcpyAsync");
    try {
      place.copied().record(upload_stream_.get());
      place.copied().wait_event(stream());
    } catch (const device_error&) {
      (void)cudaStreamSynchronize(upload_stream_.get());  // nothing else would keep `target` until it has been written
      throw;
    }
  }
  /// Waits for all that was launched before. Goes through memory of its own: a copy that is still under way when a call
  /// fails must not reach what the caller has given up.
  void download(const void* source, std::size_t bytes, void* target) {
    if (bytes > 0) download_async(source, bytes, readback_);
    check_call(cudaStreamSynchronize(stream()), "cudaStreamSynchronize");
    if (bytes > 0) std::memcpy(target, readback_.data(), bytes);
  }
  /// As download(), without waiting: `target` tells when it is there.
  void download_async(const void* source, std::size_t bytes, pinned& target) {
    target.reserve(bytes);
    check_call(cudaMemcpyAsync(target.data(), source, bytes, cudaMemcpyDeviceToHost, stream()), "cudaMemcpyAsync");
    target.copied().record(stream());
  }
  void copy(const void* source, std::size_t bytes, void* target) {
    if (bytes > 0)
      check_call(cudaMemcpyAsync(target, source, bytes, cudaMemcpyDeviceToDevice, stream()), "cudaMemcpyAsync");
  }

 private:
  using device_memory = std::unique_ptr<void, detail::release_to>;

  static cudaStream_t fresh_stream() {
    cudaStream_t stream = nullptr;
    check_call(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
    return stream;
  }
  void* take(std::size_t bytes, const char* what) {
    void* data = nullptr;
    const cudaError_t result = cudaMallocAsync(&data, std::max<std::size_t>(bytes, 1), stream());
    if (result == cudaErrorMemoryAllocation) {
      (void)cudaGetLastError();
      std::size_t left = 0;
      std::size_t all = 0;
      (void)cudaMemGetInfo(&left, &all);
      throw device_error(text("cuda: out of memory: ", localis::detail::asked_for(bytes, what, counters_.snapshot()),
                              "; ", left, " of the device's ", all, " bytes are free"));
    }
    check_call(result, "cudaMallocAsync");
    return data;
  }

  options options_;
  memory_counters counters_;
  std::unique_ptr<CUstream_st, detail::destroy_stream> stream_;
  std::unique_ptr<CUstream_st, detail::destroy_stream> upload_stream_;
  std::unique_ptr<cublasContext, detail::destroy_blas> blas_;
  device_memory workspace_;
  std::array<pinned, 8> pinned_;
  std::size_t next_ = 0;
  std::array<pinned, 2> batches_;
  std::size_t next_batch_ = 0;
  event before_batch_;         ///< behind all that was launched before the last one
  bool fresh_memory_ = false;  ///< allocated since the last batch
  pinned readback_;
};

}  // namespace localis::cuda
