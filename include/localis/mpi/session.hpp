#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <string>
#include <thread>
#include <utility>

#include <mpi.h>

#include <localis/core/error.hpp>
#include <localis/mpi/error.hpp>

namespace localis::mpi {

/// What a rank does while others keep it waiting.
struct session_options {
  /// After so long a wait, `on_stall` is called with a message that names rank, host, epoch, step, sum and bytes; 0:
  /// never.
  std::chrono::milliseconds stall_notice = std::chrono::seconds(60);
  /// After so long a wait, communicator throws mpi::error with that message; 0: it waits forever.
  std::chrono::milliseconds stall_limit{0};
  /// Receives the message, as the library prints nothing; empty: no message before the limit.
  std::function<void(const std::string& message)> on_stall;
};

namespace detail {

/// Flushes what the program has printed, and ends all ranks. The launcher returns a status that is not 0.
[[noreturn]] inline void end_all_ranks(int status) {
  std::fflush(nullptr);
  // MPICH's launcher drops what it has not read when it ends the ranks (seen in about 1 of 10 runs without this).
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  MPI_Abort(MPI_COMM_WORLD, status);
  std::_Exit(status);
}

}  // namespace detail

/// MPI, from its beginning to its end, for the program that `mpirun` starts once for each rank:
///
///   int main(int argc, char** argv) {
///     localis::mpi::session mpi{argc, argv};
///     const localis::mpi::communicator ranks{mpi};
///     ...
///     trainer.distribute(ranks);
///   }
///
/// If an exception destroys the session, all ranks are ended with a status of 1 when this program ends, because the
/// others would wait for it forever: whoever catches the exception can still print its message. One that nobody catches
/// is printed by std::terminate(), which ends all ranks too. If one rank alone returns early, the others wait: a
/// handler within the session that ends the program calls abort(). A program that has started MPI itself keeps it: the
/// session then neither starts nor ends it. Errors: config_error for a program that the launcher of another MPI has
/// started, as several times one rank, and for a limit below 0; mpi::error.
class session {
 public:
  session(int& argc, char**& argv, session_options options = {})
      : options_(std::move(options)), exceptions_(std::uncaught_exceptions()) {
    expect(options_.stall_notice.count() >= 0 && options_.stall_limit.count() >= 0,
           "mpi::session: stall_notice and stall_limit", "at least 0 ms",
           (std::min)(options_.stall_notice.count(), options_.stall_limit.count()));
    int started = 0;
    detail::expect_success(MPI_Initialized(&started), "MPI_Initialized");
    owns_ = started == 0;
    int level = MPI_THREAD_SINGLE;
    if (owns_) {
      detail::expect_success(MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level), "MPI_Init_thread");
    } else {
      detail::expect_success(MPI_Query_thread(&level), "MPI_Query_thread");
    }
    try {
      expect(level >= MPI_THREAD_FUNNELED, "mpi::session: thread level",
             "at least MPI_THREAD_FUNNELED, for a program with threads", level);
      check_launcher();
    } catch (...) {
      if (owns_) MPI_Finalize();
      throw;
    }
  }
  session(const session&) = delete;
  session& operator=(const session&) = delete;
  ~session() {
    if (std::uncaught_exceptions() > exceptions_) {
      if (std::atexit([] { detail::end_all_ranks(1); }) == 0) return;
      detail::end_all_ranks(1);
    }
    if (owns_) MPI_Finalize();
  }

  [[nodiscard]] const session_options& options() const { return options_; }

  /// Ends all ranks. The launcher returns a status that is not 0.
  [[noreturn]] static void abort(int status = 1) { detail::end_all_ranks(status); }

 private:
  struct launcher {
    const char* variable;  ///< where it says how many ranks there are
    const char* name;
  };
  /// One rank alone, where the environment says that there are more, is a program of another MPI than its launcher.
  static void check_launcher() {
    constexpr std::array<launcher, 3> known{{{"OMPI_COMM_WORLD_SIZE", "mpirun of Open MPI"},
                                             {"PMI_SIZE", "mpirun of MPICH, or of a relative"},
                                             {"SLURM_STEP_NUM_TASKS", "srun of Slurm"}}};
    int size = 0;
    detail::expect_success(MPI_Comm_size(MPI_COMM_WORLD, &size), "MPI_Comm_size");
    if (size > 1) return;
    for (const launcher& one : known) {
      const char* value = std::getenv(one.variable);  // NOLINT(concurrency-mt-unsafe): nothing sets it
      int expected = 1;
      if (value != nullptr) std::from_chars(value, value + std::strlen(value), expected);
      if (expected <= 1) continue;
      throw config_error(text("mpi::session: ranks: expected ", expected, ", as ", one.name, " says (", one.variable,
                              "), found 1: this launcher belongs to another MPI than the program"));
    }
  }

  session_options options_;
  int exceptions_;  ///< under way when the session began
  bool owns_ = false;
};

}  // namespace localis::mpi
