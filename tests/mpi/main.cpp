// The tests of this folder, of which mpirun starts one process for each rank.
#define DOCTEST_CONFIG_IMPLEMENT
#include <cstdio>
#include <exception>

#include "ranks.hpp"
#include <doctest/doctest.h>

namespace {

const localis::mpi::session* session = nullptr;
const localis::mpi::communicator* shared = nullptr;

}  // namespace

const localis::mpi::communicator& mpi_ranks() { return *shared; }
const localis::mpi::session& mpi_session() { return *session; }

int main(int argc, char** argv) {
  try {
    localis::mpi::session mpi{argc, argv};
    const localis::mpi::communicator ranks{mpi};
    session = &mpi;
    shared = &ranks;
    return doctest::Context(argc, argv).run();
  } catch (const std::exception& failure) {
    std::printf("%s\n", failure.what());
    return 1;
  }
}
