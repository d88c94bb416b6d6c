#pragma once

#if !defined(__CUDACC__)
#error "localis/backend/cuda/backend.cuh: needs nvcc: compile this file as CUDA, with --expt-relaxed-constexpr"
#endif

#include <cstddef>
#include <cstdint>

#include <thrust/execution_policy.h>
#include <thrust/for_each.h>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/system_error.h>
#include <thrust/version.h>

#include <localis/backend/cuda/system.hpp>
#include <localis/core/error.hpp>
#include <localis/kernel/reduction.hpp>
#include <localis/kernel/team.hpp>

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

/// A team (math/team.hpp) of neighbouring threads of a block: a part of a warp, a whole one, or the whole block. Its
/// functions are for the host, too, which compiles the kernels that call them and calls none.
class threads_of_block {
 public:
  __device__ explicit threads_of_block(std::uint32_t lanes)
      : lanes_(lanes),
        lane_(threadIdx.x & (lanes - 1)),
        of_warp_(lanes < kernel::warp_threads ? ((1U << lanes) - 1) << (threadIdx.x % kernel::warp_threads - lane_)
                                              : 0xFFFFFFFFU) {}

  [[nodiscard]] constexpr std::size_t lane() const { return lane_; }
  [[nodiscard]] constexpr std::size_t lanes() const { return lanes_; }
  template <class T>
  __host__ __device__ T sum(T x) const {
    return reduce(x, [](T a, T b) { return a + b; });
  }
  template <class T>
  __host__ __device__ T largest(T x) const {
    return reduce(x, [](T a, T b) { return b > a ? b : a; });
  }
  template <class T>
  __host__ __device__ T smallest(T x) const {
    return reduce(x, [](T a, T b) { return b < a ? b : a; });
  }
  __host__ __device__ void sync() const {
#if defined(__CUDA_ARCH__)
    if (lanes_ > kernel::warp_threads) {
      __syncthreads();
    } else {
      __syncwarp(of_warp_);
    }
#endif
  }

 private:
  /// Every two lanes of a warp exchange what they have, so that all add in the same order; then warps do, by memory.
  template <class T, class Combine>
  __host__ __device__ T reduce(T x, [[maybe_unused]] const Combine& combine) const {
#if defined(__CUDA_ARCH__)
    sync();
    for (unsigned other = (lanes_ < kernel::warp_threads ? lanes_ : kernel::warp_threads) / 2; other > 0; other /= 2) {
      x = combine(x, __shfl_xor_sync(of_warp_, x, other));
    }
    if (lanes_ > kernel::warp_threads) {
      __shared__ T of_warps[kernel::block_threads / kernel::warp_threads];
      if (threadIdx.x % kernel::warp_threads == 0) of_warps[threadIdx.x / kernel::warp_threads] = x;
      __syncthreads();
      x = of_warps[0];
      for (unsigned warp = 1; warp < kernel::block_threads / kernel::warp_threads; ++warp) {
        x = combine(x, of_warps[warp]);
      }
    }
#endif
    return x;
  }

  std::uint32_t lanes_;
  std::uint32_t lane_;
  std::uint32_t of_warp_;  ///< the lanes in the warp of this thread
};

/// Runs f(row, team) for each row. Thrust gives calls no lanes that could exchange values, and CUB's WarpReduce and
/// BlockReduce give their result to one thread and need shared memory of a type that a user's function would have to
/// name.
template <class F>
__global__ void __launch_bounds__(kernel::block_threads)
    run_teams(const F f, const std::size_t rows, const std::uint32_t lanes) {
  const std::size_t row = std::size_t{blockIdx.x} * (kernel::block_threads / lanes) + threadIdx.x / lanes;
  if (row < rows) f(row, threads_of_block(lanes));
}

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
  const numbers of_block = reduce(blocks.of_thread(blockIdx.x, threadIdx.x, threads_of_block(blocks.call_threads)));
  if (threadIdx.x < width) {
    blocks.deposit(blockIdx.x, threadIdx.x, of_block);
    __threadfence();
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    const std::uint32_t last = blocks.partners() - 1;
    is_last = atomicInc(blocks.arrived(blockIdx.x), last) == last;  // which makes it 0 again
  }
  __syncthreads();
  if (!is_last) return;
  __threadfence();
  const numbers all = reduce(blocks.of_parts(blockIdx.x, threadIdx.x));
  if (threadIdx.x < width) blocks.finish(blockIdx.x, threadIdx.x, all);
}

}  // namespace detail

/// Launches f(0) ... f(n - 1) on a stream with Thrust, rows of teams, or the blocks of reductions, without waiting for
/// them.
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
  template <class F>
  void run_teams(cudaStream_t stream, std::size_t rows, std::uint32_t lanes, const F& f) const {
    const std::size_t blocks = kernel::team_blocks(rows, lanes);
    detail::run_teams<<<static_cast<unsigned>(blocks), kernel::block_threads, 0, stream>>>(f, rows, lanes);
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
