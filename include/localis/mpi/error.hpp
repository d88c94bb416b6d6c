#pragma once

#include <array>
#include <cstddef>
#include <string>

#include <mpi.h>

#include <localis/core/error.hpp>

namespace localis::mpi {

/// A call of MPI failed.
class error : public localis::error {
 public:
  using localis::error::error;
};

namespace detail {

/// Throws the error of a call that did not succeed, in MPI's words.
inline void expect_success(int result, const char* call) {
  if (result == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> reason{};
  int length = 0;
  MPI_Error_string(result, reason.data(), &length);
  throw error(text(call, ": expected success, found ", std::string(reason.data(), static_cast<std::size_t>(length))));
}

}  // namespace detail

}  // namespace localis::mpi
