#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <localis/backend/cuda/context.hpp>
#include <localis/backend/cuda/error.hpp>
#include <localis/core/communicator.hpp>
#include <localis/core/error.hpp>
#include <localis/nccl/error.hpp>

namespace localis::nccl {

namespace detail {

/// The GPUs that a rank may use: the machine, and what identifies each on it.
struct visible_gpus {
  std::string host;
  std::vector<std::string> ids;
};

/// Gives each rank a GPU of its own: the first that it may use and that no rank before it on its machine has. Returns
/// their numbers among those that each may use. Errors: config_error that names the first rank for which none is left.
[[nodiscard, gnu::cold]] inline std::vector<int> assign_gpus(const std::vector<visible_gpus>& ranks) {
  std::vector<int> result;
  std::vector<std::pair<std::string, std::string>> taken;
  for (const visible_gpus& rank : ranks) {
    const auto own = std::find_if(rank.ids.begin(), rank.ids.end(), [&](const std::string& id) {
      return std::find(taken.begin(), taken.end(), std::pair(rank.host, id)) == taken.end();
    });
    if (own == rank.ids.end()) {
      const auto same_host = [&](const visible_gpus& other) { return other.host == rank.host; };
      throw config_error(text("nccl: GPUs of rank ", result.size(), " (host ", rank.host,
                              "): expected one that no other rank of its machine has, found ", rank.ids.size(),
                              " for the ", std::count_if(ranks.begin(), ranks.end(), same_host),
                              " ranks of the machine"));
    }
    taken.emplace_back(rank.host, *own);
    result.push_back(static_cast<int>(own - rank.ids.begin()));
  }
  return result;
}

/// The number of the GPU of this rank: collective over all ranks.
template <localis::communicator Ranks>
[[nodiscard, gnu::cold]] int choose_gpu(const Ranks& ranks) {
  constexpr char end = '\n';
  int count = 0;
  cuda::check_call(cudaGetDeviceCount(&count), "cudaGetDeviceCount");
  std::string own = ranks.host() + end;
  for (int device = 0; device < count; ++device) {
    std::array<char, 32> id{};
    cuda::check_call(cudaDeviceGetPCIBusId(id.data(), static_cast<int>(id.size()), device), "cudaDeviceGetPCIBusId");
    own.append(id.data()).append(1, end);
  }
  std::vector<visible_gpus> all;
  for (const std::string& lines : ranks.gather(own)) {
    std::vector<std::string> fields;
    for (std::size_t begin = 0; begin < lines.size(); begin += fields.back().size() + 1) {
      fields.push_back(lines.substr(begin, lines.find(end, begin) - begin));
    }
    all.push_back({fields[0], {fields.begin() + 1, fields.end()}});
  }
  return assign_gpus(all)[ranks.rank()];
}

}  // namespace detail

/// Ranks with a GPU each, for model::distribute() and trainer::distribute() with cuda::backend and cudnn::backend. It
/// stands on other ranks, such as those of MPI, which carry all values of the host:
///
///   localis::mpi::session mpi{argc, argv};
///   const localis::mpi::communicator hosts{mpi};
///   const localis::nccl::communicator ranks{hosts};                        // before anything is allocated on a GPU
///   localis::model<net, backend> model{{}, backend{localis::cuda::options{.device = ranks.device()}}};
///   trainer.distribute(ranks);
///
/// Arrays of a backend are added up by NCCL on a stream of their own, behind the work that the backend was given
/// before; work of the backend that needs a sum waits for it on the GPU. The host waits for neither, and training steps
/// do not run as CUDA graphs (cuda::options::graphs).
///
/// State: NCCL's buffers on the GPU. The first sum sets up connections, which may allocate.
/// Errors: config_error on all ranks if a machine has fewer GPUs than ranks; device_error; nccl::error, also for a sum
/// that has failed since. After one, the sums of this rank are aborted, and the ranks cannot go on.
template <localis::communicator Ranks>
class communicator {
  class sums;

 public:
  /// Collective over all ranks. They must outlive the communicator. Makes the GPU of this rank the current one of the
  /// calling thread.
  [[gnu::cold]] explicit communicator(const Ranks& hosts) : hosts_(hosts), device_(detail::choose_gpu(hosts)) {
    cuda::check_call(cudaSetDevice(device_), "cudaSetDevice");
    const localis::detail::exchange_over everyone(hosts);
    ncclUniqueId id{};
    const std::string bytes = localis::detail::run_on_first<error>(everyone, [&] {
      detail::expect_success(ncclGetUniqueId(&id), "ncclGetUniqueId");
      return std::string(id.internal, sizeof(id.internal));
    });
    std::memcpy(id.internal, bytes.data(), sizeof(id.internal));
    ncclComm_t joined = nullptr;
    detail::expect_success(ncclCommInitRank(&joined, static_cast<int>(size()), id, static_cast<int>(rank())),
                           "ncclCommInitRank");
    ranks_ = joined;
  }
  communicator(const communicator&) = delete;
  communicator& operator=(const communicator&) = delete;
  ~communicator() {
    if (ranks_ == nullptr) return;
    if (std::uncaught_exceptions() == exceptions_) {
      (void)ncclCommDestroy(ranks_);
    } else {
      (void)ncclCommAbort(ranks_);  // or others would wait for sums that this rank never begins
    }
  }

  /// The number of this rank's GPU, for cuda::options::device.
  [[nodiscard]] int device() const { return device_; }

  [[nodiscard]] std::size_t rank() const { return hosts_.rank(); }
  [[nodiscard]] std::size_t size() const { return hosts_.size(); }
  [[nodiscard]] bool first() const { return hosts_.first(); }
  [[nodiscard]] std::string host() const { return hosts_.host(); }
  template <class T>
  void sum(std::span<T> values) const {
    hosts_.sum(values);
  }
  template <class T>
  [[nodiscard]] std::size_t begin_sum(std::span<T> values) const {
    return hosts_.begin_sum(values);
  }
  [[nodiscard]] bool done(std::size_t number) const { return hosts_.done(number); }
  void progress() const { hosts_.progress(); }
  [[nodiscard]] std::vector<std::string> gather(const std::string& own) const { return hosts_.gather(own); }
  void begin_step(std::size_t epoch, std::size_t step) const {
    if constexpr (requires { hosts_.begin_step(epoch, step); }) hosts_.begin_step(epoch, step);
  }

  /// Returns the sums of arrays of this backend (array_communicator). Errors: config_error if it is on another GPU.
  template <class Backend>
  [[nodiscard]] sums backend_sums(
      const Backend& backend) const requires std::same_as<typename Backend::memory, cuda::context> {
    const std::shared_ptr<cuda::context>& memory = backend.system().shared_context();
    expect(memory->chosen().device == device_, "nccl: cuda::options: device",
           text(device_, ", the GPU of this rank (nccl::communicator::device())").c_str(), memory->chosen().device);
    return sums(*this, memory);
  }

 private:
  /// Sums on a stream beside that of a backend; see backend_sums().
  class sums {
   public:
    sums(const communicator& owner, std::shared_ptr<cuda::context> memory)
        : owner_(&owner), memory_(std::move(memory)) {
      cudaStream_t stream = nullptr;
      cuda::check_call(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
      stream_.reset(stream);
    }

    template <class T>
    void sum(std::span<T> values) const {
      (void)done(begin_sum(values));
    }
    template <class T>
    [[nodiscard]] std::size_t begin_sum(std::span<T> values) const {
      owner_->throw_failure();
      given_.record(memory_->stream());
      given_.wait_event(stream_.get());
      owner_->call("ncclAllReduce", [&](ncclComm_t ranks) {
        constexpr ncclDataType_t type = std::is_same_v<T, double> ? ncclFloat64 : ncclFloat32;
        return ncclAllReduce(values.data(), values.data(), values.size(), type, ncclSum, ranks, stream_.get());
      });
      if (begun_ == summed_.size()) summed_.emplace_back();
      summed_[begun_].record(stream_.get());
      ++under_way_;
      return begun_++;
    }
    [[nodiscard]] bool done(std::size_t number) const {
      summed_[number].wait_event(memory_->stream());
      if (--under_way_ == 0) begun_ = 0;
      return true;
    }
    void progress() const { owner_->throw_failure(); }

   private:
    const communicator* owner_;
    std::shared_ptr<cuda::context> memory_;
    std::unique_ptr<CUstream_st, cuda::detail::destroy_stream> stream_;
    mutable cuda::event given_;                ///< behind what the backend was given before the last sum
    mutable std::vector<cuda::event> summed_;  ///< behind sums, by number
    mutable std::size_t begun_ = 0;            ///< sums since none was under way
    mutable std::size_t under_way_ = 0;        ///< sums that done() was not asked for
  };

  /// Calls f(ranks) of NCCL. Where it fails, the sums of this rank are aborted, or the GPU would wait for them forever.
  template <class F>
  void call(const char* name, const F& f) const {
    if (ranks_ == nullptr) throw error(text(name, ": expected ranks that have not failed, found some that have"));
    try {
      detail::expect_success(f(ranks_), name, ranks_);
    } catch (const error&) {
      (void)ncclCommAbort(std::exchange(ranks_, nullptr));
      throw;
    }
  }
  /// Throws the error of a sum that has failed since its call.
  void throw_failure() const {
    call("ncclCommGetAsyncError", [](ncclComm_t ranks) {
      ncclResult_t found = ncclSuccess;
      const ncclResult_t result = ncclCommGetAsyncError(ranks, &found);
      return result == ncclSuccess ? found : result;
    });
  }

  const Ranks& hosts_;
  int exceptions_ = std::uncaught_exceptions();
  int device_;
  mutable ncclComm_t ranks_ = nullptr;  ///< null if it has failed
};

}  // namespace localis::nccl
