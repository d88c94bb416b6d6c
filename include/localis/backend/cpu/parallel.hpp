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

/// Returns the number of threads that OpenMP would use here, or 1 without OpenMP.
inline std::size_t available_threads() {
#if defined(_OPENMP)
  return static_cast<std::size_t>((std::max)(1, omp_get_max_threads()));
#else
  return 1;
#endif
}

namespace detail {

#if defined(_OPENMP)
/// Detects that the process was forked after parallel_for had used threads: the child has none of them, and GCC's
/// OpenMP would wait for them forever.
class fork_watch {
 public:
  /// Returns whether threads may be used. Must be called before threads are used.
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

/// Implements parallel_for, compiled once for all bodies.
inline void run_threads(std::size_t threads, void (*body)(const void*, std::size_t), const void* what) {
#if defined(_OPENMP)
  if (threads > 1 && fork_watch::threads_are_here()) {
    std::exception_ptr failure;
    std::size_t failed_thread = threads;
#pragma omp parallel for schedule(static, 1) num_threads(static_cast <int>(threads))
    for (std::size_t thread = 0; thread < threads; ++thread) {
      try {
        body(what, thread);
      } catch (...) {
#pragma omp critical(localis_parallel_for)
        if (thread < failed_thread) {
          failed_thread = thread;
          failure = std::current_exception();
        }
      }
    }
    if (failure) std::rethrow_exception(failure);
    return;
  }
#endif
  for (std::size_t thread = 0; thread < threads; ++thread) body(what, thread);
}

}  // namespace detail

/// Runs body(thread) for thread = 0 ... threads - 1, each on a thread of its own. If calls throw, the exception of the
/// lowest thread is rethrown after all threads have ended. Without OpenMP, and in a process that was forked after
/// threads had been used, the calls run one after the other, with the same results.
template <class Body>
void parallel_for(std::size_t threads, const Body& body) {
  detail::run_threads(
      threads, [](const void* what, std::size_t thread) { (*static_cast<const Body*>(what))(thread); }, &body);
}

/// The half-open range of indices [begin, end).
struct range {
  std::size_t begin;
  std::size_t end;
  [[nodiscard]] std::size_t size() const { return end - begin; }
};
/// Returns part `thread` of [0, size) in `threads` near-equal parts whose inner borders are multiples of `grain`.
inline range part_of(std::size_t size, std::size_t thread, std::size_t threads, std::size_t grain = 1) {
  const std::size_t grains = (size + grain - 1) / grain;
  return {(std::min)(size, grains * thread / threads * grain),
          (std::min)(size, grains * (thread + 1) / threads * grain)};
}

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu
