#pragma once

#include <cstddef>

#include <doctest/doctest.h>

// These tests run on the stand-in, and on a GPU where nvcc compiles them.
#if defined(__CUDACC__)
#include <localis/backend/cuda/backend.cuh>
#else
#include "../cuda_standin/backend.hpp"
#endif

namespace localis_test {

template <class T, class Operand = T>
using gpu = localis::cuda::backend<T, Operand>;

#if defined(__CUDACC__)
template <class F>
void on_device(const F& f, std::size_t = 0) {
  f();
}
template <class F>
void on_device_at_once(const F& f, std::size_t = 0) {
  f();
}
#else
/// f() on a fresh device. Nothing is left of it.
template <class F>
void on_device_that(standin::mode works, const F& f, std::size_t memory) {
  standin::reset(works, memory);
  f();
  CHECK(standin::alive() == 0);
}
/// At once, and queued by stream, as late and as early as may be.
template <class F>
void on_device(const F& f, std::size_t memory = std::size_t{16} << 20) {
  for (const standin::mode works : {standin::mode::immediate, standin::mode::deferred, standin::mode::racing}) {
    on_device_that(works, f, memory);
  }
}
template <class F>
void on_device_at_once(const F& f, std::size_t memory) {
  on_device_that(standin::mode::immediate, f, memory);
}
#endif

static_assert(localis::backend<gpu<float>>);
static_assert(localis::backend<gpu<float, localis::cuda::bfloat16>>);

/// Chunks of a few rows.
constexpr localis::cuda::options small{.chunk_bytes = 20000, .workspace_bytes = 4096};
constexpr localis::cuda::options small_graphs{.chunk_bytes = 20000, .workspace_bytes = 4096, .graphs = true};

}  // namespace localis_test
