#pragma once

#include <array>
#include <cstddef>
#include <exception>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <mpi.h>

#include <localis/core/communicator.hpp>
#include <localis/core/error.hpp>
#include <localis/core/wait_for_sum.hpp>
#include <localis/mpi/error.hpp>
#include <localis/mpi/session.hpp>

namespace localis::mpi {

/// The ranks of an MPI program, for model::distribute() and trainer::distribute(). Its messages do not mix with those
/// of the program, because it duplicates the communicator. Sums have the same bytes on all ranks, and in every run of
/// as many ranks on the same machines with the same MPI.
///
/// Cost: a sum of V values sends about 2 (n - 1) / n V values per rank. The rank that waits tests, yields and at last
/// sleeps, so that ranks may share a core. A sum that is under way goes on in calls of this object alone, unless the
/// MPI has a thread for that.
/// Errors: mpi::error.
class communicator {
 public:
  /// Collective over all ranks of `parent`.
  explicit communicator(const session&, MPI_Comm parent = MPI_COMM_WORLD) {
    detail::expect_success(MPI_Comm_dup(parent, &comm_), "MPI_Comm_dup");
    MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN);
    int number = 0;
    detail::expect_success(MPI_Comm_rank(comm_, &number), "MPI_Comm_rank");
    rank_ = static_cast<std::size_t>(number);
    detail::expect_success(MPI_Comm_size(comm_, &number), "MPI_Comm_size");
    size_ = static_cast<std::size_t>(number);
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

  void sum(std::span<float> values) const { localis::detail::wait_for_sum(*this, begin_sum(values)); }
  void sum(std::span<double> values) const { localis::detail::wait_for_sum(*this, begin_sum(values)); }
  [[nodiscard]] std::size_t begin_sum(std::span<float> values) const { return begin(values, MPI_FLOAT); }
  [[nodiscard]] std::size_t begin_sum(std::span<double> values) const { return begin(values, MPI_DOUBLE); }
  [[nodiscard]] bool done(std::size_t number) const {
    int complete = 0;
    detail::expect_success(MPI_Test(&requests_[number], &complete, MPI_STATUS_IGNORE), "MPI_Test");
    if (complete == 0) return false;
    if (--under_way_ == 0) requests_.clear();
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
    detail::expect_success(MPI_Allgather(&size, 1, MPI_INT, sizes.data(), 1, MPI_INT, comm_), "MPI_Allgather");
    std::vector<int> places(size_);
    std::size_t total = 0;
    for (std::size_t rank = 0; rank < size_; ++rank) {
      places[rank] = count_of(total);
      total += static_cast<std::size_t>(sizes[rank]);
    }
    std::string all(total, '\0');
    detail::expect_success(
        MPI_Allgatherv(own.data(), size, MPI_CHAR, all.data(), sizes.data(), places.data(), MPI_CHAR, comm_),
        "MPI_Allgatherv");
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
  [[nodiscard]] std::size_t begin(std::span<T> values, MPI_Datatype type) const {
    constexpr std::size_t largest = std::size_t{1} << 30;
    while (values.size() > largest) {
      localis::detail::wait_for_sum(*this, begin(values.first(largest), type));
      values = values.subspan(largest);
    }
    MPI_Request request = MPI_REQUEST_NULL;
    detail::expect_success(
        MPI_Iallreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), type, MPI_SUM, comm_, &request),
        "MPI_Iallreduce");
    requests_.push_back(request);
    ++under_way_;
    return requests_.size() - 1;
  }

  int exceptions_ = std::uncaught_exceptions();
  MPI_Comm comm_ = MPI_COMM_NULL;
  std::size_t rank_ = 0;
  std::size_t size_ = 1;
  mutable std::vector<MPI_Request> requests_;  ///< since no sum was under way
  mutable std::size_t under_way_ = 0;          ///< sums that done() has not found complete
};

static_assert(localis::communicator<communicator>);

}  // namespace localis::mpi
