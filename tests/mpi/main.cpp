// The tests of this folder, of which mpirun starts one process for each rank.
#define DOCTEST_CONFIG_IMPLEMENT
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string_view>

#include "ranks.hpp"
#include <doctest/doctest.h>

#include <localis/mpi/session.hpp>

namespace {

const localis::mpi::communicator* shared = nullptr;

}  // namespace

const localis::mpi::communicator& mpi_ranks() { return *shared; }

int main(int argc, char** argv) {
  try {
    localis::mpi::session mpi{argc, argv};
    const localis::mpi::communicator ranks{mpi};
    shared = &ranks;
    const std::string_view mode = argc > 1 ? argv[1] : "";
    if (mode == "throw" && ranks.rank() == ranks.size() - 1) throw std::runtime_error("only here");
    if (mode == "abort" && ranks.rank() == ranks.size() - 1) localis::mpi::session::abort(3);
    if (mode == "throw" || mode == "abort") {  // the others wait for it
      double value = 1;
      ranks.sum(std::span<double>(&value, 1));
      return 0;
    }
    return doctest::Context(argc, argv).run();
  } catch (const std::exception& failure) {
    std::printf("%s\n", failure.what());
    return 1;
  }
}
