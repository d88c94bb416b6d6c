#pragma once

#include <localis/mpi/communicator.hpp>

/// The ranks of the program that mpirun has started.
const localis::mpi::communicator& mpi_ranks();
