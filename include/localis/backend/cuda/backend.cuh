#pragma once

#if !defined(__CUDACC__)
#error "localis/backend/cuda/backend.cuh: needs nvcc: compile this file as CUDA, with --expt-relaxed-constexpr"
#endif

#include <cstddef>

#include <thrust/execution_policy.h>
#include <thrust/for_each.h>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/system_error.h>
#include <thrust/version.h>

#include <localis/backend/cuda/system.hpp>
#include <localis/core/error.hpp>

/// The GPU backend: loops by Thrust and products by cuBLAS, in the order of one stream.
namespace localis::cuda {

#define LOCALIS_SPELL_OUT(number) #number
#define LOCALIS_SPELL(macro) LOCALIS_SPELL_OUT(macro)
static_assert(THRUST_VERSION >= 200300,
              "localis: expected the Thrust of the CUDA toolkit, THRUST_VERSION 200300 or later; found " LOCALIS_SPELL(
                  THRUST_VERSION) ": another folder of headers comes before the toolkit's (nvcc -M shows which)");
#undef LOCALIS_SPELL
#undef LOCALIS_SPELL_OUT

/// Launches f(0) ... f(n - 1) on a stream with Thrust, without waiting for them.
struct on_stream {
  template <class F>
  void operator()(cudaStream_t stream, std::size_t n, const F& f) const {
    try {
      thrust::for_each_n(thrust::cuda::par_nosync.on(stream), thrust::counting_iterator<std::size_t>(0), n, f);
    } catch (const thrust::system_error& failure) {
      (void)cudaGetLastError();
      throw device_error(text("cuda: launch: ", failure.what()));
    }
  }
};

/// The GPU backend. `Operand` is the type in which the operands of products are stored: Scalar, or bfloat16 if Scalar
/// is float.
template <class Scalar, class Operand = Scalar>
using backend = device::backend<Scalar, system<on_stream>, Operand>;

}  // namespace localis::cuda
