#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstring>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "standin.hpp"
#include <nccl.h>

// NCCL's ranks as threads. A sum runs when its stream comes to it, and waits there for those of the other ranks, as a
// kernel of NCCL does. Where it runs as late as it may, whoever reads an array without waiting for its sum finds what
// was there before; where it runs as early as it may, it takes what the array holds before the work that it did not
// wait for.

namespace {

using namespace std::chrono_literals;

/// The sums of some ranks, by number; a rank that has failed fails all.
class meeting {
 public:
  explicit meeting(std::size_t ranks) : ranks_(ranks) {}

  /// Waits for all ranks.
  bool join() {
    std::unique_lock lock(mutex_);
    ++joined_;
    all_.notify_all();
    return wait(lock, [&] { return joined_ == ranks_; });
  }
  void fail() {
    const std::scoped_lock lock(mutex_);
    failed_ = true;
    all_.notify_all();
  }
  [[nodiscard]] bool failed() {
    const std::scoped_lock lock(mutex_);
    return failed_;
  }
  /// Whether another rank waits in a sum for this one.
  [[nodiscard]] bool awaits(std::size_t rank) {
    const std::scoped_lock lock(mutex_);
    return !sums_.empty() && sums_.back().size() < ranks_ && !sums_.back().contains(rank);
  }
  /// Returns the sum of that number; NaN if a rank has failed. Ranks must agree about its size.
  std::vector<double> add(std::size_t number, std::size_t rank, std::vector<double> own) {
    std::unique_lock lock(mutex_);
    const std::size_t size = own.size();
    if (sums_.size() <= number) sums_.resize(number + 1);
    std::map<std::size_t, std::vector<double>>& parts = sums_[number];
    parts[rank] = std::move(own);
    all_.notify_all();
    std::vector<double> total(size, 0);
    const bool complete = wait(lock, [&] { return parts.size() == ranks_; });
    for (const auto& [other, part] : parts) {
      if (part.size() != size) failed_ = true;
      for (std::size_t i = 0; i < (std::min)(size, part.size()); ++i) total[i] += part[i];
    }
    if (!complete || failed_) std::fill(total.begin(), total.end(), std::numeric_limits<double>::quiet_NaN());
    return total;
  }

 private:
  template <class Condition>
  bool wait(std::unique_lock<std::mutex>& lock, const Condition& condition) {
    if (!all_.wait_for(lock, 20s, [&] { return failed_ || condition(); })) failed_ = true;
    all_.notify_all();
    return condition();
  }

  std::size_t ranks_;
  std::mutex mutex_;
  std::condition_variable all_;
  std::size_t joined_ = 0;
  bool failed_ = false;
  std::deque<std::map<std::size_t, std::vector<double>>> sums_;  ///< by number, by rank
};

std::mutex meetings_mutex;
std::map<std::string, std::shared_ptr<meeting>> meetings;  ///< by unique id
std::size_t ids = 0;
thread_local std::set<ncclComm_t> own;  ///< communicators of this rank

ncclResult_t begin() { return static_cast<ncclResult_t>(standin::begin_call()); }

}  // namespace

struct ncclComm {
  std::shared_ptr<meeting> place;
  std::size_t rank;
  std::size_t sums = 0;           ///< so far
  cudaStream_t stream = nullptr;  ///< of the last one
};

namespace {

template <class T>
ncclResult_t all_reduce(T* values, std::size_t count, const ncclComm& ranks, std::size_t number, cudaStream_t stream) {
  if (count > 0 && !standin::holds(values, count * sizeof(T))) return ncclInvalidArgument;
  standin::count_sum(count * sizeof(T));
  standin::submit_work(
      stream, {standin::work::kind::copy, "sum"}, [values, count, place = ranks.place, rank = ranks.rank, number] {
        const std::vector<double> total = place->add(number, rank, std::vector<double>(values, values + count));
        std::transform(total.begin(), total.end(), values, [](double v) { return static_cast<T>(v); });
      });
  return ncclSuccess;
}

}  // namespace

namespace standin {

void help_ranks() {
  for (ncclComm_t ranks : own) {
    while (ranks->place->awaits(ranks->rank) && run_queued(ranks->stream)) {
    }
  }
}

}  // namespace standin

extern "C" {

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  if (const ncclResult_t failure = begin()) return failure;
  const std::scoped_lock lock(meetings_mutex);
  std::memset(id->internal, 0, sizeof(id->internal));
  std::memcpy(id->internal, &ids, sizeof(ids));
  ++ids;
  return ncclSuccess;
}
ncclResult_t ncclCommInitRank(ncclComm_t* made, int ranks, ncclUniqueId id, int rank) {
  if (const ncclResult_t failure = begin()) return failure;
  if (rank < 0 || rank >= ranks) return ncclInvalidArgument;
  std::shared_ptr<meeting> place;
  {
    const std::scoped_lock lock(meetings_mutex);
    std::shared_ptr<meeting>& known = meetings[std::string(id.internal, sizeof(id.internal))];
    if (known == nullptr) known = std::make_shared<meeting>(static_cast<std::size_t>(ranks));
    place = known;
  }
  if (!place->join()) return ncclSystemError;
  *made = new ncclComm{place, static_cast<std::size_t>(rank)};
  own.insert(*made);
  standin::add_alive(1);
  return ncclSuccess;
}
ncclResult_t ncclCommDestroy(ncclComm_t ranks) {
  own.erase(ranks);
  delete ranks;
  standin::add_alive(-1);
  return ncclSuccess;
}
ncclResult_t ncclCommAbort(ncclComm_t ranks) {
  ranks->place->fail();
  return ncclCommDestroy(ranks);
}
ncclResult_t ncclCommGetAsyncError(ncclComm_t ranks, ncclResult_t* found) {
  if (const ncclResult_t failure = begin()) return failure;
  *found = ranks->place->failed() ? ncclRemoteError : ncclSuccess;
  return ncclSuccess;
}
const char* ncclGetErrorString(ncclResult_t result) {
  return result == ncclRemoteError ? "remote process exited or there was a network error" : "an error of the stand-in";
}
const char* ncclGetLastError(ncclComm_t) { return "its reason"; }

ncclResult_t ncclAllReduce(const void* from, void* to, size_t count, ncclDataType_t type, ncclRedOp_t op,
                           ncclComm_t ranks, cudaStream_t stream) {
  if (const ncclResult_t failure = begin()) return failure;
  if (op != ncclSum || from != to) return ncclInvalidArgument;  // localis adds up in place
  const std::size_t number = ranks->sums++;
  ranks->stream = stream;
  if (type == ncclFloat32) return all_reduce(static_cast<float*>(to), count, *ranks, number, stream);
  if (type == ncclFloat64) return all_reduce(static_cast<double*>(to), count, *ranks, number, stream);
  return ncclInvalidArgument;
}

}  // extern "C"
