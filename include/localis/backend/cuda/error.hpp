#pragma once

#include <string>

#include <cublas_v2.h>
#include <cuda_runtime_api.h>

#include <localis/core/error.hpp>

namespace localis::cuda {

/// Throws device_error "cuda: CALL: CODE: TEXT" unless the call went well. An error that an earlier launch has left
/// behind is reported by the next call that looks.
inline void check_call(cudaError_t result, const char* call) {
  if (result == cudaSuccess) return;
  (void)cudaGetLastError();  // seen now; one that the device does not get over comes back
  throw device_error(text("cuda: ", call, ": ", cudaGetErrorName(result), ": ", cudaGetErrorString(result)));
}
inline void check_call(cublasStatus_t result, const char* call) {
  if (result == CUBLAS_STATUS_SUCCESS) return;
  throw device_error(text("cuda: ", call, ": ", cublasGetStatusName(result), ": ", cublasGetStatusString(result)));
}

}  // namespace localis::cuda
