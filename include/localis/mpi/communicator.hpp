#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <mpi.h>
#include <sched.h>

#include <localis/core/communicator.hpp>
#include <localis/core/error.hpp>
#include <localis/core/wait_for_sum.hpp>
#include <localis/mpi/error.hpp>
#include <localis/mpi/session.hpp>

namespace localis::mpi {

namespace detail {

/// The threads of a rank: as many as `wanted` says, the value of OMP_NUM_THREADS or null, or its share of processors.
/// @param sharing  number of ranks that may run on the same processors, and on no others
[[nodiscard]] inline std::size_t threads_of_rank(const char* wanted, std::size_t processors, std::size_t sharing) {
  const std::string_view digits = wanted == nullptr ? "" : wanted;
  std::size_t count = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), count);
  return count > 0 ? count : (std::max)(processors / sharing, std::size_t{1});
}

/// The same for this rank: collective over all ranks of `comm`.
[[nodiscard]] inline std::size_t count_threads(MPI_Comm comm) {
  cpu_set_t own{};
  sched_getaffinity(0, sizeof(own), &own);  // where it fails there is one thread
  MPI_Comm node = MPI_COMM_NULL;
  expect_success(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node), "MPI_Comm_split_type");
  int ranks = 0;
  expect_success(MPI_Comm_size(node, &ranks), "MPI_Comm_size");
  struct processors {  // nvcc 13.0 fails on a vector of cpu_set_t, a type without a name of its own
    cpu_set_t set;
  };
  std::vector<processors> all(static_cast<std::size_t>(ranks));
  constexpr int size = sizeof(own);
  expect_success(MPI_Allgather(&own, size, MPI_BYTE, all.data(), size, MPI_BYTE, node), "MPI_Allgather");
  MPI_Comm_free(&node);
  const auto sharing =
      std::count_if(all.begin(), all.end(), [&](const processors& other) { return CPU_EQUAL(&own, &other.set) != 0; });
  const char* wanted = std::getenv("OMP_NUM_THREADS");  // NOLINT(concurrency-mt-unsafe): nothing sets it
  return threads_of_rank(wanted, static_cast<std::size_t>(CPU_COUNT(&own)), static_cast<std::size_t>(sharing));
}

}  // namespace detail

/// The ranks of an MPI program, for model::distribute() and trainer::distribute(). Its messages do not mix with those
/// of the program, because it duplicates the communicator. Sums have the same bytes on all ranks, and in every run of
/// as many ranks on the same machines with the same MPI.
///
/// Cost: a sum of V values sends about 2 (n - 1) / n V values per rank. The rank that waits tests, yields and at last
/// sleeps, so that ranks may share a core. A sum that is under way goes on in calls of this object alone, unless the
/// MPI has a thread for that.
/// Errors: mpi::error, also for a wait beyond session_options::stall_limit; the ranks cannot go on after one.
class communicator {
 public:
  /// Collective over all ranks of `parent`. The session must outlive the communicator.
  explicit communicator(const session& mpi, MPI_Comm parent = MPI_COMM_WORLD) : options_(mpi.options()) {
    detail::expect_success(MPI_Comm_dup(parent, &comm_), "MPI_Comm_dup");
    MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN);
    int number = 0;
    detail::expect_success(MPI_Comm_rank(comm_, &number), "MPI_Comm_rank");
    rank_ = static_cast<std::size_t>(number);
    detail::expect_success(MPI_Comm_size(comm_, &number), "MPI_Comm_size");
    size_ = static_cast<std::size_t>(number);
    threads_ = detail::count_threads(comm_);
  }
  communicator(const communicator&) = delete;
  communicator& operator=(const communicator&) = delete;
  ~communicator() {
    if (std::uncaught_exceptions() == exceptions_) MPI_Comm_free(&comm_);  // or others would wait
  }

  [[nodiscard]] std::size_t rank() const { return rank_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool first() const { return rank_ == 0; }
  [[nodiscard]] std::string host() const {
    std::array<char, MPI_MAX_PROCESSOR_NAME> name{};
    int length = 0;
    detail::expect_success(MPI_Get_processor_name(name.data(), &length), "MPI_Get_processor_name");
    return {name.data(), static_cast<std::size_t>(length)};
  }

  /// The number of threads for the backend of this rank: OMP_NUM_THREADS if it is set, else the processors that this
  /// rank may run on, divided by the ranks of its machine that may run on the same.
  [[nodiscard]] std::size_t threads() const { return threads_; }

  /// Names the step in messages about a rank that waits; trainer calls it before each step.
  void begin_step(std::size_t epoch, std::size_t step) const {
    step_ = {epoch, step};
    begun_ = 0;
  }

  void sum(std::span<float> values) const { localis::detail::wait_for_sum(*this, begin_sum(values)); }
  void sum(std::span<double> values) const { localis::detail::wait_for_sum(*this, begin_sum(values)); }
  [[nodiscard]] std::size_t begin_sum(std::span<float> values) const { return begin_sum(values, MPI_FLOAT); }
  [[nodiscard]] std::size_t begin_sum(std::span<double> values) const { return begin_sum(values, MPI_DOUBLE); }
  [[nodiscard]] bool done(std::size_t number) const {
    int complete = 0;
    detail::expect_success(MPI_Test(&requests_[number], &complete, MPI_STATUS_IGNORE), "MPI_Test");
    if (complete == 0) {
      keep_waiting(messages_[number]);
      return false;
    }
    waits_since_.reset();
    if (--under_way_ == 0) {
      requests_.clear();
      messages_.clear();
    }
    return true;
  }
  void progress() const {
    int complete = 0;
    detail::expect_success(
        MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &complete, MPI_STATUSES_IGNORE),
        "MPI_Testall");
  }

  [[nodiscard]] std::vector<std::string> gather(const std::string& own) const {
    std::vector<int> sizes(size_);
    const int size = count_of(own.size());
    MPI_Request request = MPI_REQUEST_NULL;
    detail::expect_success(MPI_Iallgather(&size, 1, MPI_INT, sizes.data(), 1, MPI_INT, comm_, &request),
                           "MPI_Iallgather");
    localis::detail::wait_for_sum(*this, add(request, "text", sizeof(size)));
    std::vector<int> places(size_);
    std::size_t total = 0;
    for (std::size_t rank = 0; rank < size_; ++rank) {
      places[rank] = count_of(total);
      total += static_cast<std::size_t>(sizes[rank]);
    }
    std::string all(total, '\0');
    detail::expect_success(
        MPI_Iallgatherv(own.data(), size, MPI_CHAR, all.data(), sizes.data(), places.data(), MPI_CHAR, comm_, &request),
        "MPI_Iallgatherv");
    localis::detail::wait_for_sum(*this, add(request, "text", total));
    std::vector<std::string> result;
    for (std::size_t rank = 0; rank < size_; ++rank) {
      result.push_back(all.substr(static_cast<std::size_t>(places[rank]), static_cast<std::size_t>(sizes[rank])));
    }
    return result;
  }

 private:
  static int count_of(std::size_t size) {
    expect(size <= static_cast<std::size_t>((std::numeric_limits<int>::max)()), "mpi::communicator: bytes of a message",
           "at most 2^31 - 1", size);
    return static_cast<int>(size);
  }
  /// In pieces, because MPI counts in int; all but the last are waited for.
  template <class T>
  [[nodiscard]] std::size_t begin_sum(std::span<T> values, MPI_Datatype type) const {
    constexpr std::size_t largest = std::size_t{1} << 30;
    while (values.size() > largest) {
      localis::detail::wait_for_sum(*this, begin_sum(values.first(largest), type));
      values = values.subspan(largest);
    }
    MPI_Request request = MPI_REQUEST_NULL;
    detail::expect_success(
        MPI_Iallreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), type, MPI_SUM, comm_, &request),
        "MPI_Iallreduce");
    return add(request, "sum", values.size_bytes());
  }
  [[nodiscard]] std::size_t add(MPI_Request request, const char* kind, std::size_t bytes) const {
    requests_.push_back(request);
    messages_.push_back({kind, begun_++, bytes});
    ++under_way_;
    return requests_.size() - 1;
  }

  struct message {
    const char* kind;
    std::size_t number;  ///< in its step
    std::size_t bytes;
  };
  [[nodiscard]] std::string describe(const message& waited_for, std::chrono::duration<double> time) const {
    const std::string step =
        step_ ? text("epoch ", (*step_)[0], ", step ", (*step_)[1]) : std::string("before the first step");
    return text("mpi: rank ", rank_, " (host ", host(), ") has waited ", time.count(), " s for other ranks: ", step,
                ", ", waited_for.kind, ' ', waited_for.number, " of ", waited_for.bytes, " bytes");
  }
  /// Says or throws that this rank has waited for so long, as the options want it.
  void keep_waiting(const message& waited_for) const {
    const auto moment = std::chrono::steady_clock::now();
    if (!waits_since_) {
      waits_since_ = moment;
      noticed_ = options_.stall_notice.count() == 0 || !options_.on_stall;
    }
    const auto time = moment - *waits_since_;
    if (!noticed_ && time >= options_.stall_notice) {
      noticed_ = true;
      options_.on_stall(describe(waited_for, time));
    }
    if (options_.stall_limit.count() > 0 && time >= options_.stall_limit) throw error(describe(waited_for, time));
  }

  const session_options& options_;
  int exceptions_ = std::uncaught_exceptions();
  MPI_Comm comm_ = MPI_COMM_NULL;
  std::size_t rank_ = 0;
  std::size_t size_ = 1;
  std::size_t threads_ = 1;
  mutable std::vector<MPI_Request> requests_;               ///< since no message was under way
  mutable std::vector<message> messages_;                   ///< what these are
  mutable std::size_t under_way_ = 0;                       ///< messages that done() has not found complete
  mutable std::size_t begun_ = 0;                           ///< messages since the step began
  mutable std::optional<std::array<std::size_t, 2>> step_;  ///< epoch and step
  mutable std::optional<std::chrono::steady_clock::time_point> waits_since_;
  mutable bool noticed_ = false;  ///< whether on_stall has been called since then
};

static_assert(localis::communicator<communicator>);

}  // namespace localis::mpi
