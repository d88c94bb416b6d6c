#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>

#if defined(_OPENMP)
#include <omp.h>
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

/// parallel_for, compiled once for all bodies.
inline void run_lanes(std::size_t lanes, void (*body)(const void*, std::size_t), const void* what) {
  if (lanes == 0) return;
#if defined(_OPENMP)
  std::exception_ptr failure;
  std::size_t failed_lane = lanes;
#pragma omp parallel num_threads(static_cast <int>(lanes))
  {
    // Eigen asks for the thread count of the running task: inside a lane it is 1, and nothing outside is changed.
    omp_set_num_threads(1);
#pragma omp for schedule(static, 1)
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
  }
  if (failure) std::rethrow_exception(failure);
#else
  for (std::size_t lane = 0; lane < lanes; ++lane) body(what, lane);
#endif
}

}  // namespace detail

/// Runs body(lane) for lane = 0 ... lanes - 1, one thread each. The first exception (lowest lane) is thrown on after
/// all lanes have ended. Without OpenMP the lanes run one after the other, with the same results.
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
