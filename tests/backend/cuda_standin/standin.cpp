#include "standin.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <typeinfo>
#include <utility>
#include <vector>

#include <Eigen/Core>
#include <cublas_v2.h>
#include <sys/mman.h>

struct queued {
  std::function<void()> work;
  std::function<bool()> ready;  ///< whether the real one could run it now; empty: always
};
/// What a stream was told while it collected its work: each node tells it again when the graph runs.
struct CUgraph_st {
  struct node {
    const std::type_info* kind;
    std::function<void()> issue;
  };
  std::vector<node> nodes;
};
struct CUgraphExec_st {
  std::vector<CUgraph_st::node> nodes;
};
struct CUstream_st {
  std::deque<queued> queue;
  bool running = false;
  std::unique_ptr<CUgraph_st> capture;  ///< null unless it collects
};
/// What a stream has been told to record, and how far it got; queued work may outlive the event.
struct recording {
  CUstream_st* stream = nullptr;
  std::size_t asked = 0;
  std::size_t done = 0;
};
struct CUevent_st {
  std::shared_ptr<recording> records = std::make_shared<recording>();
};
struct cublasContext {
  cudaStream_t stream = nullptr;
  cublasPointerMode_t pointers = CUBLAS_POINTER_MODE_HOST;
};

namespace {

[[noreturn]] void broken(const char* what) {
  std::fprintf(stderr, "cuda_standin: %s\n", what);
  std::abort();
}

/// One stretch of addresses, handed out first fit and touched only while it is open.
class arena {
 public:
  explicit arena(std::size_t size) : size_((size + page - 1) / page * page) {
    void* at = mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) broken("no addresses for the device's memory");
    // Opening and closing visits every page that was touched: large ones are few. A kernel without them does without.
    static_cast<void>(madvise(at, size_, MADV_HUGEPAGE));
    base_ = static_cast<std::byte*>(at);
  }
  ~arena() { munmap(base_, size_); }
  arena(const arena&) = delete;
  arena& operator=(const arena&) = delete;

  void open() {
    if (depth_++ == 0 && mprotect(base_, size_, PROT_READ | PROT_WRITE) != 0) broken("mprotect failed");
  }
  void close() {
    if (--depth_ == 0 && mprotect(base_, size_, PROT_NONE) != 0) broken("mprotect failed");
  }
  [[nodiscard]] standin::page_trace make_trace() const { return {base_, size_}; }

  void* take(std::size_t bytes) {
    const std::size_t need = (std::max<std::size_t>(bytes, 1) + 255) / 256 * 256;
    std::size_t at = 0;
    for (const auto& [offset, length] : blocks_) {
      if (offset - at >= need) break;
      at = offset + length;
    }
    if (size_ - at < need) return nullptr;
    blocks_[at] = need;
    fill(at, need);
    return base_ + at;
  }
  bool give(void* data) {
    const auto found = blocks_.find(static_cast<std::size_t>(static_cast<std::byte*>(data) - base_));
    if (found == blocks_.end()) return false;
    fill(found->first, found->second);
    blocks_.erase(found);
    return true;
  }
  /// Whether [data, data + bytes) lies in one allocation.
  [[nodiscard]] bool holds(const void* data, std::size_t bytes) const {
    const auto* at = static_cast<const std::byte*>(data);
    if (at < base_ || at >= base_ + size_) return false;
    const auto offset = static_cast<std::size_t>(at - base_);
    auto block = blocks_.upper_bound(offset);
    if (block == blocks_.begin()) return false;
    --block;
    return offset + bytes <= block->first + block->second;
  }
  [[nodiscard]] std::size_t free_bytes() const {
    std::size_t used = 0;
    for (const auto& [offset, length] : blocks_) used += length;
    return size_ - used;
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t allocations() const { return blocks_.size(); }

 private:
  static constexpr std::size_t page = standin::page_trace::page;
  void fill(std::size_t at, std::size_t bytes) {
    open();
    std::memset(base_ + at, 0xFF, bytes);  // NaN in every format
    close();
  }

  std::byte* base_ = nullptr;
  std::size_t size_;
  std::size_t depth_ = 0;
  std::map<std::size_t, std::size_t> blocks_;
};

struct device {
  standin::mode how = standin::mode::immediate;
  std::unique_ptr<arena> memory = std::make_unique<arena>(std::size_t{1} << 30);
  standin::counts seen;
  std::unique_ptr<standin::page_trace> trace;  ///< null outside of trace()
  std::vector<standin::work> traced;
  std::map<const std::byte*, std::size_t> pinned;
  std::vector<CUstream_st*> streams;  ///< in the order of their making
  std::set<CUevent_st*> events;
  std::set<cublasContext*> handles;
  std::size_t others = 0;
  std::size_t failing = 0;  ///< calls until the one that fails, or 0
  int status = 0;
  cudaError_t last = cudaSuccess;
};
device& the() {
  thread_local device one;
  return one;
}

/// The status to return in place of the work, or 0.
int begin() {
  ++the().seen.all;
  if (the().failing == 0 || --the().failing > 0) return 0;
  return the().status;
}
cudaError_t begin_runtime() {
  const auto result = static_cast<cudaError_t>(begin());
  if (result != cudaSuccess) the().last = result;
  return result;
}
cudaError_t report(cudaError_t result) {
  the().last = result;
  return result;
}

bool runs_at_once() { return the().how == standin::mode::immediate || the().how == standin::mode::traced; }
bool queues() { return the().how == standin::mode::deferred || the().how == standin::mode::racing; }

void run_next(cudaStream_t stream) {
  const std::function<void()> work = std::move(stream->queue.front().work);
  stream->queue.pop_front();
  const bool outer = std::exchange(stream->running, true);
  work();
  stream->running = outer;
}
/// Every stream but the first, as far as it can go.
void race() {
  if (the().how != standin::mode::racing) return;
  for (std::size_t i = 1; i < the().streams.size(); ++i) {
    CUstream_st& stream = *the().streams[i];
    while (!stream.running && !stream.queue.empty() && (!stream.queue.front().ready || stream.queue.front().ready()))
      run_next(&stream);
  }
}
void submit(cudaStream_t stream, std::function<void()> work, std::function<bool()> ready = {}) {
  if (std::count(the().streams.begin(), the().streams.end(), stream) == 0)
    broken("work for a stream that is not there");
  if (stream->capture != nullptr) {
    const std::type_info& kind = work.target_type();
    stream->capture->nodes.push_back({&kind, [=] { submit(stream, work, ready); }});
    return;
  }
  if (queues()) {
    stream->queue.push_back({std::move(work), std::move(ready)});
    race();
  } else if (runs_at_once()) {
    work();
  }
}
void drain(cudaStream_t stream) {
  while (!stream->queue.empty()) {
    run_next(stream);
    race();
  }
}
/// Until its stream has recorded an event so many times.
void run_until(const recording& records, std::size_t wanted) {
  while (records.done < wanted) {
    run_next(records.stream);
    race();
  }
}

/// Tells a stream something now, or when the graph runs that it collects. Of calls with a flag for such events, the one
/// without it belongs outside and the one with it inside.
template <class F>
cudaError_t issue(cudaStream_t stream, bool external, const F& f) {
  if (external != (stream->capture != nullptr)) return report(cudaErrorInvalidValue);
  if (external) {
    stream->capture->nodes.push_back({&typeid(F), f});
  } else {
    f();
  }
  return cudaSuccess;
}

bool is_pinned(const void* data, std::size_t bytes) {
  const auto* at = static_cast<const std::byte*>(data);
  auto block = the().pinned.upper_bound(at);
  if (block == the().pinned.begin()) return false;
  --block;
  return at + bytes <= block->first + block->second;
}

/// f() with the device's memory.
template <class F>
void run_work(const standin::work& what, const F& f) {
  device& d = the();
  if (d.trace != nullptr) {
    d.trace->begin();
    f();
    d.traced.push_back(what);
    d.traced.back().bytes = d.trace->end();
  } else {
    d.memory->open();
    f();
    d.memory->close();
  }
}

/// Column-major, as BLAS has it: c = alpha op(a) op(b) + beta c.
template <class T, class Operand>
struct gemm {
  bool turn_a, turn_b;
  std::int64_t m, n, k;
  T alpha, beta;
  const Operand* a;
  std::int64_t lda;
  const Operand* b;
  std::int64_t ldb;
  T* c;
  std::int64_t ldc;

  void operator()() const {
    if (standin::touches_alone()) {
      touch();
    } else {
      multiply();
    }
  }

 private:
  void touch() const {
    const auto each = [](auto* at, std::int64_t rows, std::int64_t columns, std::int64_t stride, const auto& body) {
      const std::int64_t length = stride == rows ? columns : 1;  // columns without gaps are one stretch
      for (std::int64_t i = 0; i < columns; i += length) {
        body(at + i * stride, static_cast<std::size_t>(rows * length) * sizeof(*at));
      }
    };
    each(a, turn_a ? k : m, turn_a ? m : k, lda, standin::read);
    each(b, turn_b ? n : k, turn_b ? k : n, ldb, standin::read);
    if (beta != T(0)) each(c, m, n, ldc, standin::read);
    each(c, m, n, ldc, standin::write);
  }
  void multiply() const {
    using matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
    using stride = Eigen::OuterStride<>;
    using stored = Eigen::Map<const Eigen::Matrix<Operand, Eigen::Dynamic, Eigen::Dynamic>, 0, stride>;
    const stored stored_left(a, turn_a ? k : m, turn_a ? m : k, stride(lda));
    const stored stored_right(b, turn_b ? n : k, turn_b ? k : n, stride(ldb));
    const auto& left = stored_left.template cast<T>();
    const auto& right = stored_right.template cast<T>();
    Eigen::Map<matrix, 0, stride> out(c, m, n, stride(ldc));
    if (beta == T(0)) {
      out.setZero();  // what was there is not read
    } else {
      out *= beta;
    }
    if (turn_a && turn_b) {
      out.noalias() += alpha * left.transpose() * right.transpose();
    } else if (turn_a) {
      out.noalias() += alpha * left.transpose() * right;
    } else if (turn_b) {
      out.noalias() += alpha * left * right.transpose();
    } else {
      out.noalias() += alpha * left * right;
    }
  }
};

}  // namespace

namespace standin {

void reset(mode how, std::size_t memory) {
  device& d = the();
  if (alive() != 0) broken("reset() with something of the device still alive");
  if (d.how == mode::traced) d.memory->close();
  d.how = how;
  if (d.memory->size() != memory) d.memory = std::make_unique<arena>(memory);
  if (how == mode::traced) d.memory->open();
  d.seen = {};
  d.failing = 0;
  d.last = cudaSuccess;
}
const counts& seen() { return the().seen; }
void fail(std::size_t n, int status) {
  the().failing = n;
  the().status = status;
}
std::size_t alive() {
  return the().memory->allocations() + the().pinned.size() + the().streams.size() + the().events.size() +
         the().handles.size() + the().others;
}
int begin_call() { return begin(); }
void submit_work(cudaStream_t stream, const work& what, std::function<void()> f) {
  submit(stream, [what, f = std::move(f)] { run_work(what, f); });
}
void submit_launch(cudaStream_t stream, const std::type_info& kernel, std::size_t blocks, std::function<void()> f) {
  ++(stream->capture != nullptr ? the().seen.captured : the().seen.launches);
  if (begin_runtime() != cudaSuccess) return;  // cudaGetLastError tells
  submit_work(stream, {work::kind::launch, kernel.name(), blocks}, std::move(f));
}
bool run_queued(cudaStream_t stream) {
  if (std::count(the().streams.begin(), the().streams.end(), stream) == 0 || stream->queue.empty()) return false;
  run_next(stream);
  race();
  return true;
}
std::vector<work> trace(const std::function<void()>& f) {
  device& d = the();
  if (d.how != mode::traced) broken("trace() in another mode than traced");
  if (!page_trace::available) broken("trace() where a fault does not tell whether it was a write");
  d.traced.clear();
  d.memory->close();
  d.trace = std::make_unique<page_trace>(d.memory->make_trace());
  f();
  d.trace.reset();
  d.memory->open();
  return std::move(d.traced);
}
bool touches_alone() { return the().how == mode::traced; }
void read(const void* data, std::size_t bytes) {
  if (the().trace != nullptr) the().trace->read(data, bytes);
}
void write(void* data, std::size_t bytes) {
  if (the().trace != nullptr) the().trace->write(data, bytes);
  std::memset(data, 0, bytes);
}
void count_convolution(int math_type, std::uint64_t multiply_adds) {
  ++the().seen.convolutions;
  the().seen.math_type = math_type;
  the().seen.multiply_adds += multiply_adds;
}
void count_sum(std::size_t bytes) {
  ++the().seen.sums;
  the().seen.summed += bytes;
}
bool holds(const void* data, std::size_t bytes) { return the().memory->holds(data, bytes); }
void add_alive(std::ptrdiff_t change) { the().others += static_cast<std::size_t>(change); }

}  // namespace standin

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  if (const cudaError_t failure = begin_runtime()) return failure;
  *count = 1;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int number) {
  if (const cudaError_t failure = begin_runtime()) return failure;
  return number == 0 ? cudaSuccess : report(cudaErrorInvalidDevice);
}
cudaError_t cudaDeviceGetPCIBusId(char* id, int size, int number) {
  if (const cudaError_t failure = begin_runtime()) return failure;
  if (number != 0) return report(cudaErrorInvalidDevice);
  std::snprintf(id, static_cast<std::size_t>(size), "0000:01:00.0");
  return cudaSuccess;
}
cudaError_t cudaGetLastError() { return std::exchange(the().last, cudaSuccess); }
const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "cudaSuccess";
    case cudaErrorInvalidValue:
      return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorNoDevice:
      return "cudaErrorNoDevice";
    case cudaErrorInsufficientDriver:
      return "cudaErrorInsufficientDriver";
    case cudaErrorLaunchFailure:
      return "cudaErrorLaunchFailure";
    case cudaErrorStreamCaptureUnsupported:
      return "cudaErrorStreamCaptureUnsupported";
    default:
      return "cudaError";
  }
}
const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaSuccess ? "no error" : "an error of the stand-in";
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned int) {
  if (const cudaError_t failure = begin_runtime()) return failure;
  *stream = new CUstream_st;
  the().streams.push_back(*stream);
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  drain(stream);
  std::erase(the().streams, stream);
  delete stream;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  ++the().seen.synchronizations;
  if (const cudaError_t failure = begin_runtime()) return failure;
  if (stream->capture != nullptr) return report(cudaErrorStreamCaptureUnsupported);
  drain(stream);
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned int) {
  if (const cudaError_t failure = begin_runtime()) return failure;
  *event = new CUevent_st;
  the().events.insert(*event);
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  the().events.erase(event);
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned int flags) {
  if (const cudaError_t failure = begin_runtime()) return failure;
  const std::shared_ptr<recording> records = event->records;
  return issue(stream, flags == cudaEventRecordExternal, [records, stream] {
    records->stream = stream;
    const std::size_t number = ++records->asked;
    if (!queues()) records->done = number;
    submit(stream, [records, number] { records->done = number; });
  });
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned int flags) {
  if (const cudaError_t failure = begin_runtime()) return failure;
  const std::shared_ptr<recording> records = event->records;
  return issue(stream, flags == cudaEventWaitExternal, [records, stream] {
    const std::size_t wanted = records->asked;
    submit(
        stream, [records, wanted] { run_until(*records, wanted); },
        [records, wanted] { return records->done >= wanted; });
  });
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  if (const cudaError_t failure = begin_runtime()) return failure;
  return event->records->done < event->records->asked ? cudaErrorNotReady : cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  ++the().seen.waits;
  if (const cudaError_t failure = begin_runtime()) return failure;
  run_until(*event->records, event->records->asked);
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode) {
  if (const cudaError_t failure = begin_runtime()) return failure;
  if (stream->capture != nullptr) return report(cudaErrorIllegalState);
  stream->capture = std::make_unique<CUgraph_st>();
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  if (stream->capture == nullptr) return report(cudaErrorIllegalState);
  std::unique_ptr<CUgraph_st> collected = std::move(stream->capture);
  if (const cudaError_t failure = begin_runtime()) return failure;
  *graph = collected.release();
  standin::add_alive(1);
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  standin::add_alive(-1);
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* made, cudaGraph_t graph, unsigned long long) {
  if (const cudaError_t failure = begin_runtime()) return failure;
  *made = new CUgraphExec_st{graph->nodes};
  standin::add_alive(1);
  return cudaSuccess;
}
cudaError_t cudaGraphExecUpdate(cudaGraphExec_t made, cudaGraph_t graph, cudaGraphExecUpdateResultInfo*) {
  if (const cudaError_t failure = begin_runtime()) return failure;
  const bool alike = std::equal(made->nodes.begin(), made->nodes.end(), graph->nodes.begin(), graph->nodes.end(),
                                [](const auto& a, const auto& b) { return *a.kind == *b.kind; });
  if (!alike) return report(cudaErrorGraphExecUpdateFailure);
  ++the().seen.updates;
  made->nodes = graph->nodes;
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t made, cudaStream_t stream) {
  ++the().seen.graphs;
  if (const cudaError_t failure = begin_runtime()) return failure;
  if (stream->capture != nullptr) return report(cudaErrorStreamCaptureUnsupported);
  for (const CUgraph_st::node& node : made->nodes) node.issue();
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t made) {
  delete made;
  standin::add_alive(-1);
  return cudaSuccess;
}

cudaError_t cudaMallocAsync(void** data, size_t bytes, cudaStream_t stream) {
  ++the().seen.allocations;
  if (const cudaError_t failure = begin_runtime()) return failure;
  if (stream->capture != nullptr) return report(cudaErrorStreamCaptureUnsupported);
  *data = the().memory->take(bytes);
  return *data == nullptr ? report(cudaErrorMemoryAllocation) : cudaSuccess;
}
cudaError_t cudaFreeAsync(void* data, cudaStream_t stream) {
  if (stream->capture != nullptr) return report(cudaErrorStreamCaptureUnsupported);
  const auto give = [data] {
    if (!the().memory->give(data)) broken("cudaFreeAsync of what was not allocated");
  };
  if (the().how == standin::mode::counting) {
    give();
  } else {
    submit(stream, give);
  }
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  *free = the().memory->free_bytes();
  *total = the().memory->size();
  return cudaSuccess;
}
cudaError_t cudaMallocHost(void** data, size_t bytes) {
  if (const cudaError_t failure = begin_runtime()) return failure;
  *data = ::operator new (bytes, std::align_val_t{64});
  the().pinned[static_cast<std::byte*>(*data)] = bytes;
  return cudaSuccess;
}
cudaError_t cudaFreeHost(void* data) {
  for (CUstream_st* stream : the().streams) drain(stream);  // the real one waits, too
  if (the().pinned.erase(static_cast<std::byte*>(data)) == 0) broken("cudaFreeHost of what was not allocated");
  ::operator delete (data, std::align_val_t{64});
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void* data, int value, size_t bytes, cudaStream_t stream) {
  if (const cudaError_t failure = begin_runtime()) return failure;
  if (!the().memory->holds(data, bytes)) return report(cudaErrorInvalidValue);
  standin::submit_work(stream, {standin::work::kind::copy, "memset"}, [=] { std::memset(data, value, bytes); });
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, enum cudaMemcpyKind kind, cudaStream_t stream) {
  standin::counts& seen = the().seen;
  if (kind == cudaMemcpyHostToDevice) seen.uploaded += bytes;
  ++(kind == cudaMemcpyHostToDevice ? seen.uploads : kind == cudaMemcpyDeviceToHost ? seen.downloads : seen.copies);
  if (const cudaError_t failure = begin_runtime()) return failure;
  const bool from_device = kind != cudaMemcpyHostToDevice;
  const bool to_device = kind != cudaMemcpyDeviceToHost;
  if (from_device != the().memory->holds(from, bytes) || to_device != the().memory->holds(to, bytes)) {
    return report(cudaErrorInvalidValue);
  }
  const standin::work what{standin::work::kind::copy, kind == cudaMemcpyHostToDevice   ? "upload"
                                                      : kind == cudaMemcpyDeviceToHost ? "download"
                                                                                       : "copy"};
  const auto run = [=] { run_work(what, [=] { std::memmove(to, from, bytes); }); };
  if (kind == cudaMemcpyHostToDevice && !is_pinned(from, bytes)) {  // pageable: waits, then copies at once
    if (stream->capture != nullptr) return report(cudaErrorStreamCaptureUnsupported);
    drain(stream);
    run();
  } else {
    submit(stream, run);
  }
  return cudaSuccess;
}

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  if (const int failure = begin()) return static_cast<cublasStatus_t>(failure);
  *handle = new cublasContext;
  the().handles.insert(*handle);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  the().handles.erase(handle);
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
  if (const int failure = begin()) return static_cast<cublasStatus_t>(failure);
  handle->stream = stream;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t, void* workspace, size_t bytes) {
  if (const int failure = begin()) return static_cast<cublasStatus_t>(failure);
  return the().memory->holds(workspace, bytes) ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}
const char* cublasGetStatusName(cublasStatus_t status) {
  return status == CUBLAS_STATUS_EXECUTION_FAILED ? "CUBLAS_STATUS_EXECUTION_FAILED" : "CUBLAS_STATUS";
}
const char* cublasGetStatusString(cublasStatus_t) { return "a status of the stand-in"; }

cublasStatus_t cublasGemmStridedBatchedEx_64(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b,
                                             int64_t m, int64_t n, int64_t k, const void* alpha, const void* a,
                                             cudaDataType a_type, int64_t lda, long long int a_step, const void* b,
                                             cudaDataType b_type, int64_t ldb, long long int b_step, const void* beta,
                                             void* c, cudaDataType c_type, int64_t ldc, long long int c_step,
                                             int64_t count, cublasComputeType_t in, cublasGemmAlgo_t) {
  ++the().seen.products;
  the().seen.compute_type = in;
  the().seen.multiply_adds += static_cast<std::uint64_t>(m * n * k * count);
  if (const int failure = begin()) return static_cast<cublasStatus_t>(failure);
  const bool turn_a = op_a == CUBLAS_OP_T;
  const bool turn_b = op_b == CUBLAS_OP_T;
  if (m < 0 || n < 0 || k < 0 || count < 0 || lda < std::max<int64_t>(1, turn_a ? k : m) ||
      ldb < std::max<int64_t>(1, turn_b ? n : k) || ldc < std::max<int64_t>(1, m)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const auto run = [&](auto zero, auto operand) {
    using T = decltype(zero);
    using Operand = decltype(operand);
    // Host pointers are read now, device pointers when the product runs; localis passes host pointers alone.
    gemm<T, Operand> one{turn_a,
                         turn_b,
                         m,
                         n,
                         k,
                         *static_cast<const T*>(alpha),
                         *static_cast<const T*>(beta),
                         static_cast<const Operand*>(a),
                         lda,
                         static_cast<const Operand*>(b),
                         ldb,
                         static_cast<T*>(c),
                         ldc};
    const auto multiply_adds = static_cast<std::uint64_t>(m * n * k * count);
    standin::submit_work(handle->stream, {standin::work::kind::product, "product", 0, multiply_adds}, [=] {
      gemm<T, Operand> group = one;
      for (int64_t i = 0; i < count; ++i) {
        group();
        group.a += a_step;
        group.b += b_step;
        group.c += c_step;
      }
    });
  };
  // As in cuBLAS' table of types; a FAST computation takes floats alone.
  const bool wide = in == CUBLAS_COMPUTE_64F;
  const bool plain = in == CUBLAS_COMPUTE_32F || in == CUBLAS_COMPUTE_32F_PEDANTIC;
  if (a_type == CUDA_R_32F && b_type == CUDA_R_32F && c_type == CUDA_R_32F && !wide) {
    run(0.0F, 0.0F);
  } else if (a_type == CUDA_R_16BF && b_type == CUDA_R_16BF && c_type == CUDA_R_32F && plain) {
    run(0.0F, Eigen::bfloat16());
  } else if (a_type == CUDA_R_64F && b_type == CUDA_R_64F && c_type == CUDA_R_64F && wide) {
    run(0.0, 0.0);
  } else {
    return CUBLAS_STATUS_NOT_SUPPORTED;
  }
  return CUBLAS_STATUS_SUCCESS;
}

}  // extern "C"
