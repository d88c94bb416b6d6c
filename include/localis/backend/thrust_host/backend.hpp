#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

// Unless told otherwise, Thrust chooses CUDA as its device, and its headers then need NVIDIA's.
#if !defined(THRUST_DEVICE_SYSTEM) && !__has_include(<cuda_runtime_api.h>)
#define THRUST_DEVICE_SYSTEM THRUST_DEVICE_SYSTEM_CPP
#endif
#include <thrust/for_each.h>
#include <thrust/iterator/counting_iterator.h>
#if defined(_OPENMP)
#include <thrust/system/omp/execution_policy.h>
#endif
#include <thrust/system/cpp/execution_policy.h>

#include <localis/backend/cpu/gemm.hpp>
#include <localis/backend/cpu/packet.hpp>
#include <localis/backend/cpu/parallel.hpp>
#include <localis/backend/host_backend.hpp>
#include <localis/backend/thrust/backend.hpp>
#include <localis/config.hpp>
#include <localis/core/error.hpp>

/// Runs the code of the GPU backend on the CPU: loops by Thrust over OpenMP threads, and the products of
/// localis::cpu as the BLAS. It needs the headers of Thrust, but no CUDA toolkit (Debian: libthrust-dev).
namespace localis::thrust_host {
inline namespace LOCALIS_CPU_THREADS {

struct options {
  std::size_t chunk_bytes = std::size_t{4} << 20;  ///< bytes of the input that are unfolded at once
  /// Number of columns of a row that one call of a kernel takes, in a loop over contiguous values that vectorizes. On a
  /// GPU it is 1.
  std::size_t stretch = static_cast<std::size_t>(-1);
};

class system : public host_backend {
 public:
  static constexpr const char* name = "thrust_host";
  static constexpr bool by_element = false;

  system() : system(options{}) {}
  explicit system(const options& chosen) : options_(chosen) {
    expect(chosen.chunk_bytes > 0, "thrust_host::options: chunk_bytes", "at least 1", chosen.chunk_bytes);
    expect(chosen.stretch > 0, "thrust_host::options: stretch", "at least 1", chosen.stretch);
  }

  [[nodiscard]] std::size_t stretch() const { return options_.stretch; }
  [[nodiscard]] std::size_t chunk_bytes() const { return options_.chunk_bytes; }
  [[nodiscard]] std::size_t threads() const { return cpu::available_threads(); }
  [[nodiscard]] static std::string instructions() { return cpu::direct::instructions; }
  [[nodiscard]] static std::string arithmetic() { return "direct convolution"; }

  template <class T>
  void copy(const T* source, std::size_t size, T* target) const {
    std::copy(source, source + size, target);
  }

  template <class F>
  void launch(std::size_t n, const F& f) const {
#if defined(_OPENMP)
    if (cpu::detail::fork_watch::threads_are_here()) {
      thrust::for_each_n(thrust::omp::par, thrust::counting_iterator<std::size_t>(0), n, f);
      return;
    }
#endif
    thrust::for_each_n(thrust::cpp::par, thrust::counting_iterator<std::size_t>(0), n, f);
  }

  /// Computes a product on at most as many threads as OpenMP would use, each of which computes some rows of c.
  template <class T>
  void multiply(const device::product<T>& product) const {
    constexpr std::size_t grain = 50000;  // multiply-adds that stay on one thread
    const std::size_t work = product.rows * product.columns * product.inner;
    const std::size_t used = std::clamp<std::size_t>(work / grain, 1, threads());
    for (std::size_t i = 0; i < product.count; ++i) {
      cpu::parallel_for(used, [&](std::size_t thread) {
        const cpu::range rows = cpu::part_of(product.rows, thread, used, 8);
        if (rows.size() > 0) multiply_rows(product, i, rows);
      });
    }
  }

 private:
  template <class T>
  static void multiply_rows(const device::product<T>& product, std::size_t i, cpu::range part) {
    // Returns a view of block i of an operand, from its element `first` on.
    const auto view = [i](const auto& stored, std::size_t first, std::size_t rows, std::size_t columns) {
      return cpu::matrix_view<std::remove_pointer_t<decltype(stored.data)>>{stored.data + i * stored.step + first, rows,
                                                                            columns, stored.stride};
    };
    const bool a_transposed = product.a.stored == device::layout::transposed;
    const bool b_transposed = product.b.stored == device::layout::transposed;
    const cpu::matrix_view<T> c = view(product.c, part.begin * product.c.stride, part.size(), product.columns);
    if (product.beta == T(0)) {
      for (std::size_t r = 0; r < c.rows; ++r) std::fill_n(c.data + r * c.stride, c.columns, T(0));
    }
    const auto a = a_transposed ? view(product.a, part.begin, product.inner, part.size())
                                : view(product.a, part.begin * product.a.stride, part.size(), product.inner);
    const auto b = b_transposed ? view(product.b, 0, product.columns, product.inner)
                                : view(product.b, 0, product.inner, product.columns);
    if (product.alpha == T(-1)) {
      cpu::subtract_ab<T>(a, b, c);
    } else if (a_transposed) {
      cpu::multiply_atb<T>(a, b, c, kernel::store::add);
    } else if (b_transposed) {
      cpu::multiply_abt<T>(a, b, c, kernel::store::add);
    } else {
      cpu::multiply_ab<T>(a, b, c, kernel::store::add);
    }
  }

  options options_;
};

template <class Scalar>
using backend = device::backend<Scalar, system>;

static_assert(localis::backend<backend<double>>);

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::thrust_host
