#pragma once

#include <localis/mpi/communicator.hpp>
#include <localis/mpi/session.hpp>

/// The ranks of the program that mpirun has started, and their session.
const localis::mpi::communicator& mpi_ranks();
const localis::mpi::session& mpi_session();
