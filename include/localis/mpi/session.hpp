#pragma once

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <exception>

#include <mpi.h>

#include <localis/core/error.hpp>
#include <localis/mpi/error.hpp>

namespace localis::mpi {

/// MPI, from its beginning to its end, for the program that `mpirun` starts once for each rank:
///
///   int main(int argc, char** argv) {
///     localis::mpi::session mpi{argc, argv};
///     const localis::mpi::communicator ranks{mpi};
///     ...
///     trainer.distribute(ranks);
///   }
///
/// If an exception destroys the session, all ranks are ended with a status of 1, because the others would wait for this
/// one forever. The same holds if one rank alone returns early: a handler within the session that ends the program
/// calls abort(). A program that has started MPI itself keeps it: the session then neither starts nor ends it.
/// Errors: config_error for a program that the launcher of another MPI has started, as several times one rank;
/// mpi::error.
class session {
 public:
  session(int& argc, char**& argv) : exceptions_(std::uncaught_exceptions()) {
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
    if (std::uncaught_exceptions() > exceptions_) MPI_Abort(MPI_COMM_WORLD, 1);
    if (owns_) MPI_Finalize();
  }

  /// Ends all ranks. The launcher returns a status that is not 0.
  [[noreturn]] static void abort(int status = 1) {
    MPI_Abort(MPI_COMM_WORLD, status);
    std::_Exit(status);
  }

 private:
  /// One rank alone, where the environment says that there are more, is a program of another MPI than its launcher.
  static void check_launcher() {
    int size = 0;
    detail::expect_success(MPI_Comm_size(MPI_COMM_WORLD, &size), "MPI_Comm_size");
    if (size > 1) return;
    for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"}) {
      const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing sets it
      int expected = 1;
      if (value != nullptr) std::from_chars(value, value + std::strlen(value), expected);
      if (expected <= 1) continue;
      throw config_error(text("mpi::session: ranks: expected ", expected, ", as the launcher says (", name,
                              "), found 1: the launcher belongs to another MPI than the program"));
    }
  }

  int exceptions_;  ///< under way when the session began
  bool owns_ = false;
};

}  // namespace localis::mpi
