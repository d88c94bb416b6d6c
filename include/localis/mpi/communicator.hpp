#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <exception>
#include <limits>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <mpi.h>

#include <localis/core/communicator.hpp>
#include <localis/core/error.hpp>
#include <localis/mpi/error.hpp>
#include <localis/mpi/session.hpp>

namespace localis::mpi {

/// The ranks of an MPI program, for model::distribute() and trainer::distribute(). Its messages do not mix with those
/// of the program, because it duplicates the communicator. Sums have the same bytes on all ranks, and in every run of
/// as many ranks on the same machines with the same MPI.
///
/// Cost: a sum of V values sends about 2 (n - 1) / n V values per rank. The rank that waits tests, yields and at last
/// sleeps, so that ranks may share a core.
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

  void sum(std::span<float> values) const { sum_all(values, MPI_FLOAT); }
  void sum(std::span<double> values) const { sum_all(values, MPI_DOUBLE); }

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
  /// In pieces, because MPI counts in int.
  template <class T>
  void sum_all(std::span<T> values, MPI_Datatype type) const {
    constexpr std::size_t largest = std::size_t{1} << 30;
    for (std::size_t first = 0; first < values.size(); first += largest) {
      const std::span<T> part = values.subspan(first, (std::min)(largest, values.size() - first));
      MPI_Request request = MPI_REQUEST_NULL;
      detail::expect_success(
          MPI_Iallreduce(MPI_IN_PLACE, part.data(), static_cast<int>(part.size()), type, MPI_SUM, comm_, &request),
          "MPI_Iallreduce");
      wait(request);
    }
  }
  /// MPI's own wait keeps a core busy, which another rank may need.
  static void wait(MPI_Request& request) {
    constexpr int eager_tests = 1000;
    int done = 0;
    for (int tests = 0; done == 0; ++tests) {
      detail::expect_success(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
      if (done != 0) return;
      if (tests < eager_tests) {
        std::this_thread::yield();
      } else {
        std::this_thread::sleep_for(std::chrono::microseconds(50));
      }
    }
  }

  int exceptions_ = std::uncaught_exceptions();
  MPI_Comm comm_ = MPI_COMM_NULL;
  std::size_t rank_ = 0;
  std::size_t size_ = 1;
};

static_assert(localis::communicator<communicator>);

}  // namespace localis::mpi
