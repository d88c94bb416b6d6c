#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <typeinfo>
#include <vector>

#include "page_trace.hpp"
#include <cuda_runtime_api.h>
#include <thrust/for_each.h>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/system/omp/execution_policy.h>

#include <localis/kernel/reduction.hpp>
#include <localis/kernel/team.hpp>
#include <localis/math/team.hpp>

/// Stands in for the CUDA runtime, cuBLAS, cuDNN and NCCL: host implementations of the functions that localis::cuda,
/// localis::cudnn and localis::nccl call, with the documented semantics, so that their true code runs where there is no
/// GPU.
///
/// "Device" memory is one arena that can be touched only while a launch, a copy or a product runs: a host that
/// dereferences a device pointer crashes. What is allocated is full of NaN, and so is what was freed. Each thread has a
/// device of its own, as each process has on a machine with several, so that threads can be ranks.
namespace standin {

enum class mode {
  immediate,  ///< each call does its work before it returns
  deferred,   ///< work is queued by stream and runs as late as it may, when someone waits for it
  racing,     ///< the same for the first stream; what others queue runs as early as it may
  counting,   ///< work is counted and left undone
  traced  ///< launches and copies run at once, products and convolutions leave zeros: trace() tells what each touches
};

/// A fresh device. What is still allocated on the one before stays counted as leaked.
void reset(mode how, std::size_t memory = std::size_t{1} << 30);

/// Calls since reset(), by what they do.
struct counts {
  std::size_t launches = 0;
  std::size_t graphs = 0;    ///< launches of graphs
  std::size_t captured = 0;  ///< launches that went to a graph
  std::size_t updates = 0;   ///< of graphs
  std::size_t products = 0;
  int compute_type = 0;  ///< cublasComputeType_t of the last product
  std::size_t convolutions = 0;
  int math_type = 0;  ///< cudnnMathType_t of the last convolution
  std::uint64_t multiply_adds = 0;
  std::size_t uploads = 0;
  std::size_t uploaded = 0;  ///< bytes to the device
  std::size_t downloads = 0;
  std::size_t copies = 0;  ///< on the device
  std::size_t sums = 0;    ///< over ranks
  std::size_t summed = 0;  ///< bytes of these
  std::size_t allocations = 0;
  std::size_t synchronizations = 0;  ///< of streams
  std::size_t waits = 0;             ///< for events
  std::size_t all = 0;               ///< calls that can fail
};
[[nodiscard]] const counts& seen();

/// One piece of work on device memory.
struct work {
  enum class kind { launch, product, convolution, copy };
  kind is;
  const char* name;        ///< of a launch: that of the type of its function object, which abi::__cxa_demangle reads
  std::size_t blocks = 0;  ///< of threads, in a launch
  std::uint64_t multiply_adds = 0;
  traffic bytes = {};  ///< which trace() fills in
};
/// What f() does on device memory, in the mode `traced`. Memory can be touched freely there outside of trace().
[[nodiscard]] std::vector<work> trace(const std::function<void()>& f);

/// From now on the n-th call that can fail (1: the next) returns `status` and does nothing.
void fail(std::size_t n, int status);

/// Streams, events, handles and allocations that are there.
[[nodiscard]] std::size_t alive();

/// Runs what is queued of the sums of this rank while another rank waits for one of them: a GPU does so whatever its
/// host waits for.
void help_ranks();

// For the other libraries that stand in here (cudnn_standin.cpp, nccl_standin.cpp).

/// Counts a call that can fail, and returns the status that it has to return, or 0.
[[nodiscard]] int begin_call();
/// Queues f() on device memory, or runs it.
void submit_work(cudaStream_t stream, const work& what, std::function<void()> f);
/// Runs the first piece of work that is queued on a stream. Returns whether there was any.
bool run_queued(cudaStream_t stream);
/// Whether products and convolutions call read() and write() in place of computing.
[[nodiscard]] bool touches_alone();
void read(const void* data, std::size_t bytes);
/// Fills with zeros.
void write(void* data, std::size_t bytes);
void count_convolution(int math_type, std::uint64_t multiply_adds);
void count_sum(std::size_t bytes);
/// Whether [data, data + bytes) lies in one allocation of the device.
[[nodiscard]] bool holds(const void* data, std::size_t bytes);
/// Counts objects of another library in alive().
void add_alive(std::ptrdiff_t change);

/// Queues a launch, or runs it.
void submit_launch(cudaStream_t stream, const std::type_info& kernel, std::size_t blocks, std::function<void()> f);

/// The Executor of cuda::system: where nvcc has par_nosync.on(stream).
struct executor {
  template <class F>
  void operator()(cudaStream_t stream, std::size_t n, const F& f) const {
    constexpr std::size_t calls = 512;  // of a block, in CUB's for_each: 256 threads take two each
    submit_launch(stream, typeid(F), (n + calls - 1) / calls,
                  [n, f] { thrust::for_each_n(thrust::omp::par, thrust::counting_iterator<std::size_t>(0), n, f); });
  }
  /// A team of one thread for each row.
  template <class F>
  void run_teams(cudaStream_t stream, std::size_t rows, std::uint32_t lanes, const F& f) const {
    submit_launch(stream, typeid(F), localis::kernel::team_blocks(rows, lanes), [rows, f] {
      thrust::for_each_n(thrust::omp::par, thrust::counting_iterator<std::size_t>(0), rows,
                         [f](std::size_t row) { f(row, localis::math::team_of_one{}); });
    });
  }
  template <class Reductions>
  void run_blocks(cudaStream_t stream, std::size_t n, const Reductions& reductions) const {
    submit_launch(stream, typeid(Reductions), n, [n, reductions] {
      for (std::uint32_t block = 0; block < n; ++block) run_block(reductions.of_block(block), block);
    });
  }

 private:
  /// What the threads of a block do, side by side there and one after the other here.
  template <class Blocks>
  static void run_block(const Blocks& blocks, std::uint32_t block) {
    namespace kernel = localis::kernel;
    std::array<typename Blocks::numbers, kernel::block_threads> of_threads;
    const auto each = [](std::uint32_t threads, const auto& body) {
      for (std::uint32_t thread = 0; thread < threads; ++thread) body(thread);
    };
    const auto reduce = [&](const auto& of_thread) {
      each(kernel::block_threads, [&](std::uint32_t t) { of_threads[t] = of_thread(t); });
      for (std::uint32_t left = kernel::block_threads / 2; left >= blocks.width(); left /= 2) {
        each(left, [&](std::uint32_t t) { kernel::combine<Blocks::kind>(of_threads[t], of_threads[t + left]); });
      }
    };
    reduce([&](std::uint32_t t) { return blocks.of_thread(block, t, localis::math::team_of_one{}); });
    each(blocks.width(), [&](std::uint32_t t) { blocks.deposit(block, t, of_threads[t]); });
    if (++*blocks.arrived(block) < blocks.partners()) return;
    *blocks.arrived(block) = 0;
    reduce([&](std::uint32_t t) { return blocks.of_parts(block, t); });
    each(blocks.width(), [&](std::uint32_t t) { blocks.finish(block, t, of_threads[t]); });
  }
};

}  // namespace standin
