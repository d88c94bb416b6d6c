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
#include <localis/kernel/reduction.hpp>

/// The GPU backend: loops by Thrust and products by cuBLAS, in the order of one stream.
namespace localis::cuda {

#define LOCALIS_SPELL_OUT(number) #number
#define LOCALIS_SPELL(macro) LOCALIS_SPELL_OUT(macro)
static_assert(THRUST_VERSION >= 200300,
              "localis: expected the Thrust of the CUDA toolkit, THRUST_VERSION 200300 or later; found " LOCALIS_SPELL(
                  THRUST_VERSION) ": another folder of headers comes before the toolkit's (nvcc -M shows which)");
#undef LOCALIS_SPELL
#undef LOCALIS_SPELL_OUT

namespace detail {

/// Runs the blocks of reductions. Of the blocks that are reduced to one, the last to store its result continues with
/// the results of all. CUB's BlockReduce gives one value for all threads of a block; these are reduced column by
/// column.
template <class Reductions>
__global__ void __launch_bounds__(kernel::block_threads) run_blocks(const Reductions reductions) {
  using blocks_type = typename Reductions::blocks_type;
  using numbers = typename blocks_type::numbers;
  __shared__ numbers of_threads[kernel::block_threads];
  __shared__ bool is_last;
  const blocks_type& blocks = reductions.of_block(blockIdx.x);
  const unsigned width = blocks.width();
  const auto reduce = [&](const numbers& of_thread) {
    of_threads[threadIdx.x] = of_thread;
    for (unsigned left = kernel::block_threads / 2; left >= width; left /= 2) {
      __syncthreads();
      if (threadIdx.x < left) {
        kernel::combine<blocks_type::kind>(of_threads[threadIdx.x], of_threads[threadIdx.x + left]);
      }
    }
    return of_threads[threadIdx.x];
  };
  const numbers of_block = reduce(blocks.of_thread(blockIdx.x, threadIdx.x));
  if (threadIdx.x < width) {
    blocks.deposit(blockIdx.x, threadIdx.x, of_block);
    __threadfence();
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    is_last = atomicInc(blocks.arrived(blockIdx.x), blocks.team() - 1) == blocks.team() - 1;  // which makes it 0 again
  }
  __syncthreads();
  if (!is_last) return;
  __threadfence();
  const numbers all = reduce(blocks.of_parts(blockIdx.x, threadIdx.x));
  if (threadIdx.x < width) blocks.finish(blockIdx.x, threadIdx.x, all);
}

}  // namespace detail

/// Launches f(0) ... f(n - 1) on a stream with Thrust, or the blocks of reductions, without waiting for them.
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
  template <class Reductions>
  void run_blocks(cudaStream_t stream, std::size_t n, const Reductions& reductions) const {
    detail::run_blocks<<<static_cast<unsigned>(n), kernel::block_threads, 0, stream>>>(reductions);
  }
};

/// The GPU backend. `Operand` is the type in which the operands of products are stored: Scalar, or bfloat16 if Scalar
/// is float.
template <class Scalar, class Operand = Scalar>
using backend = device::backend<Scalar, system<on_stream>, Operand>;

}  // namespace localis::cuda
