#pragma once

#include <string>

#include <cublas_v2.h>
#include <cuda_runtime_api.h>

#include <localis/core/error.hpp>

namespace localis::cuda {

/// Throws device_error "cuda: CALL: CODE: TEXT" unless the call succeeded. An error left behind by an earlier launch is
/// reported by the next call that is checked.
inline void check_call(cudaError_t result, const char* call) {
  if (result == cudaSuccess) return;
  (void)cudaGetLastError();  // clears the error; one that the device cannot recover from is reported again
  throw device_error(text("cuda: ", call, ": ", cudaGetErrorName(result), ": ", cudaGetErrorString(result)));
}
inline void check_call(cublasStatus_t result, const char* call) {
  if (result == CUBLAS_STATUS_SUCCESS) return;
  throw device_error(text("cuda: ", call, ": ", cublasGetStatusName(result), ": ", cublasGetStatusString(result)));
}

}  // namespace localis::cuda
