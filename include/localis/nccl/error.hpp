#pragma once

#include <nccl.h>

#include <localis/core/error.hpp>

namespace localis::nccl {

/// A call of NCCL failed, or a sum of ranks did after its call.
class error : public localis::error {
 public:
  using localis::error::error;
};

namespace detail {

/// Throws the error of a call that did not succeed, in NCCL's words.
/// @param ranks  the communicator of the call; null if there was none
inline void expect_success(ncclResult_t result, const char* call, ncclComm_t ranks = nullptr) {
  if (result == ncclSuccess) return;
  throw error(text(call, ": expected success, found ", ncclGetErrorString(result), ": ", ncclGetLastError(ranks)));
}

}  // namespace detail

}  // namespace localis::nccl
