#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include <cublas_v2.h>
#include <cuda_bf16.h>
#include <cuda_runtime_api.h>

#include <localis/backend/cuda/error.hpp>
#include <localis/core/error.hpp>
#include <localis/core/memory.hpp>

namespace localis::cuda {

/// A 16-bit float with eight bits of exponent, as float has, and seven of mantissa, in which
/// `cuda::backend<float, cuda::bfloat16>` stores the operands of products: unfolded inputs take half the bytes and
/// products run on tensor cores, while sums, weights and activations remain floats.
using bfloat16 = __nv_bfloat16;

/// The precision in which cuBLAS multiplies operands that are stored as floats; sums are always in float.
enum class math {
  pedantic,  ///< operands in float, not rounded
  tf32,      ///< operands rounded to 10 bits of mantissa, on tensor cores
  bf16       ///< operands rounded to 7 bits of mantissa, on tensor cores
};

/// Options of the GPU backend.
struct options {
  int device = 0;
  math precision = math::pedantic;
  std::size_t chunk_bytes = std::size_t{128} << 20;     ///< bytes of the input that are unfolded at once
  std::size_t workspace_bytes = std::size_t{32} << 20;  ///< bytes of cuBLAS, whose default may allocate in a step
  bool graphs = false;  ///< whether a trainer starts each step as one CUDA graph (cuda::graph_steps)
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
struct destroy_graph {
  void operator()(cudaGraph_t graph) const noexcept { (void)cudaGraphDestroy(graph); }
};
struct release_to {
  cudaStream_t stream = nullptr;
  void operator()(void* data) const noexcept { (void)cudaFreeAsync(data, stream); }
};
struct release_pinned {
  void operator()(void* data) const noexcept { (void)cudaFreeHost(data); }
};

}  // namespace detail

/// A point in a stream that the host or another stream can wait for.
class event {
 public:
  // `captures` tells whether the stream collects its work in a graph: then this happens when the graph runs.

  /// Places the event behind all work that the stream has been given so far.
  void record(cudaStream_t stream, bool captures = false) {
    if (event_ == nullptr) {
      cudaEvent_t fresh = nullptr;
      check_call(cudaEventCreateWithFlags(&fresh, cudaEventDisableTiming), "cudaEventCreateWithFlags");
      event_.reset(fresh);
    }
    check_call(
        cudaEventRecordWithFlags(event_.get(), stream, captures ? cudaEventRecordExternal : cudaEventRecordDefault),
        "cudaEventRecordWithFlags");
  }
  // An event that was never recorded counts as reached in the three functions below.
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
  /// Makes all later work of `stream` wait for the event; the host does not wait.
  void wait_event(cudaStream_t stream, bool captures = false) const {
    if (event_ == nullptr) return;
    check_call(cudaStreamWaitEvent(stream, event_.get(), captures ? cudaEventWaitExternal : cudaEventWaitDefault),
               "cudaStreamWaitEvent");
  }

 private:
  std::unique_ptr<CUevent_st, detail::destroy_event> event_;
};

/// Page-locked host memory, which the device reads and writes directly, and an event behind its last copy.
class pinned {
 public:
  [[nodiscard]] void* data() const { return data_.get(); }
  [[nodiscard]] event& copied() { return copied_; }
  [[nodiscard]] const event& copied() const { return copied_; }

  /// Waits for the last copy, then enlarges the memory to at least `bytes`.
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

/// The state that all copies of a GPU backend share: the streams, the cuBLAS handle and the memory of a device. All
/// work runs in the order of one stream, except uploads of batches, which have a stream of their own. Memory comes from
/// the stream's pool, is counted, and is initialized to zero. A thread that uses the context must have its device
/// current (cudaSetDevice); the constructor sets it for the constructing thread. Threads must take turns, because the
/// streams, the handle and the batch buffers are not guarded; concurrent threads need a backend each.
///
/// Errors: device_error, which names the call, the error code and its text.
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
    constexpr std::size_t counter_bytes = block_counters_ * sizeof(std::uint32_t);
    counters_of_blocks_ = device_memory(take(counter_bytes, "counters of blocks"), detail::release_to{stream()});
    check_call(cudaMemsetAsync(counters_of_blocks_.get(), 0, counter_bytes, stream()), "cudaMemsetAsync");
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
  /// Memory of options::workspace_bytes for one product or convolution at a time.
  [[nodiscard]] void* workspace() const { return workspace_.get(); }
  /// Numbers on the device that each reduction finds as 0 and leaves as 0 (kernel/reduction.hpp).
  [[nodiscard]] std::span<std::uint32_t> block_counters() const {
    return {static_cast<std::uint32_t*>(counters_of_blocks_.get()), block_counters_};
  }

  // The memory interface of core/memory.hpp.

  [[nodiscard]] void* allocate(memory_kind kind, std::size_t bytes) {
    device_memory data(take(bytes, name_of(kind)), detail::release_to{stream()});
    check_call(cudaMemsetAsync(data.get(), 0, bytes, memory_stream()), "cudaMemsetAsync");
    if (captures_) check_call(cudaStreamSynchronize(memory_stream()), "cudaStreamSynchronize");
    counters_.take(kind, bytes);
    fresh_memory_ = true;
    return data.release();
  }
  void release(memory_kind kind, void* data, std::size_t bytes) noexcept {
    detail::release_to{stream()}(data);
    counters_.give(kind, bytes);
  }
  [[nodiscard]] memory_counters& counters() { return counters_; }

  // Copies in the order of the stream.

  /// Copies from the host, which may change `source` as soon as the call returns: the values first go to one of a few
  /// pinned buffers, which take turns.
  void upload(const void* source, std::size_t bytes, void* target) {
    if (bytes == 0) return;
    // A graph that is being collected has yet to read the buffers that were filled for it.
    if (captures_ && captured_uploads_++ >= pinned_.size()) {
      pinned_.emplace_back();
      next_ = pinned_.size() - 1;
    }
    pinned& place = pinned_[next_++ % pinned_.size()];
    place.reserve(bytes);
    std::memcpy(place.data(), source, bytes);
    check_call(cudaMemcpyAsync(target, place.data(), bytes, cudaMemcpyHostToDevice, stream()), "cudaMemcpyAsync");
    place.copied().record(stream(), captures_);
  }
  /// Like upload(), but the copy overlaps computation; for data that arrives step by step. The caller alternates
  /// between two buffers as `target`, and work launched between two calls uses the buffer of the first. The copy waits
  /// only for work launched before the previous call, so that one buffer is read while the other is filled.
  void upload_async(const void* source, std::size_t bytes, void* target) {
    if (bytes == 0) return;
    pinned& place = batches_[next_batch_++ % batches_.size()];
    place.reserve(bytes);
    std::memcpy(place.data(), source, bytes);
    note_fresh_memory();
    before_batch_.wait_event(upload_stream_.get());
    before_batch_.record(stream(), captures_);
    check_call(cudaMemcpyAsync(target, place.data(), bytes, cudaMemcpyHostToDevice, upload_stream_.get()),
               "cudaMemcpyAsync");
    try {
      place.copied().record(upload_stream_.get());
      place.copied().wait_event(stream(), captures_);
    } catch (const device_error&) {
      (void)cudaStreamSynchronize(upload_stream_.get());  // nothing else keeps `target` alive until it is written
      throw;
    }
  }
  /// Copies to the host, and waits for all work launched before. The copy goes through a buffer of the context: if a
  /// call fails while a copy is in flight, the copy must not write to memory that the caller has released.
  void download(const void* source, std::size_t bytes, void* target) {
    if (bytes > 0) download_async(source, bytes, readback_);
    check_call(cudaStreamSynchronize(stream()), "cudaStreamSynchronize");
    if (bytes > 0) std::memcpy(target, readback_.data(), bytes);
  }
  /// Like download(), but without waiting: `target.copied()` tells when the values have arrived.
  void download_async(const void* source, std::size_t bytes, pinned& target) {
    target.reserve(bytes);
    check_call(cudaMemcpyAsync(target.data(), source, bytes, cudaMemcpyDeviceToHost, stream()), "cudaMemcpyAsync");
    target.copied().record(stream(), captures_);
  }
  void copy(const void* source, std::size_t bytes, void* target) {
    if (bytes > 0)
      check_call(cudaMemcpyAsync(target, source, bytes, cudaMemcpyDeviceToDevice, stream()), "cudaMemcpyAsync");
  }

  // Between begin_capture() and end_capture() the work that the stream is given is collected and not run. Uploads of
  // batches and allocations take place at once.

  using graph = std::unique_ptr<CUgraph_st, detail::destroy_graph>;

  void begin_capture() {
    note_fresh_memory();
    check_call(cudaStreamBeginCapture(stream(), cudaStreamCaptureModeRelaxed), "cudaStreamBeginCapture");
    captures_ = true;
    captured_uploads_ = 0;
  }
  [[nodiscard]] graph end_capture() {
    captures_ = false;
    cudaGraph_t collected = nullptr;
    check_call(cudaStreamEndCapture(stream(), &collected), "cudaStreamEndCapture");
    return graph(collected);
  }
  void drop_capture() noexcept {
    captures_ = false;
    cudaGraph_t collected = nullptr;
    (void)cudaStreamEndCapture(stream(), &collected);
    (void)graph(collected);
    (void)cudaGetLastError();
  }

 private:
  using device_memory = std::unique_ptr<void, detail::release_to>;
  static constexpr std::size_t block_counters_ = 1024;

  static cudaStream_t fresh_stream() {
    cudaStream_t stream = nullptr;
    check_call(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
    return stream;
  }
  /// The stream in whose order memory is allocated and cleared.
  [[nodiscard]] cudaStream_t memory_stream() const { return captures_ ? upload_stream_.get() : stream(); }
  /// Makes the next upload of a batch wait for memory that was allocated since the last one, which may be its target.
  void note_fresh_memory() {
    if (!captures_ && std::exchange(fresh_memory_, false)) before_batch_.record(stream());
  }
  void* take(std::size_t bytes, const char* what) {
    void* data = nullptr;
    const cudaError_t result = cudaMallocAsync(&data, std::max<std::size_t>(bytes, 1), memory_stream());
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
  device_memory counters_of_blocks_;
  std::deque<pinned> pinned_ = std::deque<pinned>(8);
  std::size_t next_ = 0;
  bool captures_ = false;
  std::size_t captured_uploads_ = 0;
  std::array<pinned, 2> batches_;
  std::size_t next_batch_ = 0;
  event before_batch_;         ///< behind all work launched before the last batch
  bool fresh_memory_ = false;  ///< whether memory was allocated since the last batch
  pinned readback_;
};

}  // namespace localis::cuda
