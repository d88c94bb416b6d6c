#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>

#if defined(_OPENMP)
#include <atomic>

#include <omp.h>
#if __has_include(<pthread.h>)
#include <pthread.h>
#endif
#endif

#include <localis/config.hpp>

namespace localis::cpu {
inline namespace LOCALIS_CPU_THREADS {

/// Threads that OpenMP would use here; 1 without OpenMP.
inline std::size_t available_threads() {
#if defined(_OPENMP)
  return static_cast<std::size_t>((std::max)(1, omp_get_max_threads()));
#else
  return 1;
#endif
}

namespace detail {

#if defined(_OPENMP)
/// Tells a process that was forked after lanes ran on threads: it has none of them, and GCC's OpenMP would wait for
/// them without end.
class fork_watch {
 public:
  /// To be called before threads are used. False: they must not be.
  static bool threads_are_here() {
#if __has_include(<pthread.h>)
    static const int watching = ::pthread_atfork(nullptr, nullptr, [] { forked_.store(true); });
    static_cast<void>(watching);
#endif
    return !forked_.load(std::memory_order_relaxed);
  }

 private:
  static inline std::atomic<bool> forked_ = false;
};
#endif

/// parallel_for, compiled once for all bodies.
inline void run_lanes(std::size_t lanes, void (*body)(const void*, std::size_t), const void* what) {
#if defined(_OPENMP)
  if (lanes > 1 && fork_watch::threads_are_here()) {
    std::exception_ptr failure;
    std::size_t failed_lane = lanes;
#pragma omp parallel for schedule(static, 1) num_threads(static_cast <int>(lanes))
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      try {
        body(what, lane);
      } catch (...) {
#pragma omp critical(localis_parallel_for)
        if (lane < failed_lane) {
          failed_lane = lane;
          failure = std::current_exception();
        }
      }
    }
    if (failure) std::rethrow_exception(failure);
    return;
  }
#endif
  for (std::size_t lane = 0; lane < lanes; ++lane) body(what, lane);
}

}  // namespace detail

/// Runs body(lane) for lane = 0 ... lanes - 1, one thread each. The first exception (lowest lane) is thrown on after
/// all lanes have ended. Without OpenMP, and in a process that was forked after lanes had run on threads, the lanes run
/// one after the other, with the same results.
template <class Body>
void parallel_for(std::size_t lanes, const Body& body) {
  detail::run_lanes(
      lanes, [](const void* what, std::size_t lane) { (*static_cast<const Body*>(what))(lane); }, &body);
}

/// Part `lane` of [0, size) in `lanes` near-equal parts whose inner borders are multiples of `grain`.
struct range {
  std::size_t begin;
  std::size_t end;
  [[nodiscard]] std::size_t size() const { return end - begin; }
};
inline range part_of(std::size_t size, std::size_t lane, std::size_t lanes, std::size_t grain = 1) {
  const std::size_t grains = (size + grain - 1) / grain;
  return {(std::min)(size, grains * lane / lanes * grain), (std::min)(size, grains * (lane + 1) / lanes * grain)};
}

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu
