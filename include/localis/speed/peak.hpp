#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

#include <benchmark/benchmark.h>

#include <localis/backend/cpu/packet.hpp>
#include <localis/backend/cpu/parallel.hpp>

/// Measures the peak performance of the machine, on as many threads as OpenMP uses, in the run that is compared with
/// it.
namespace localis::speed {

namespace detail {

/// The best of some repetitions, in seconds.
template <class Work>
double best_seconds(const Work& work) {
  double best = 1e30;
  for (int repetition = 0; repetition < 5; ++repetition) {
    const auto start = std::chrono::steady_clock::now();
    work();
    best = (std::min)(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

}  // namespace detail

/// GFLOP/s of multiply-adds on vectors of float that are all in registers.
inline double fma_peak() {
  using packet = cpu::direct::packet<float>;
  constexpr std::size_t width = cpu::direct::width<float>;
  constexpr std::size_t chains = cpu::direct::many_registers ? 16 : 10;
  constexpr std::size_t steps = 4'000'000;
  const std::size_t threads = cpu::available_threads();
  const double seconds = detail::best_seconds([&] {
    cpu::parallel_for(threads, [&](std::size_t thread) {
      packet sums[chains];
      for (std::size_t i = 0; i < chains; ++i) sums[i] = packet{} + static_cast<float>(thread + i);
      const packet term = packet{} + 0.001F;
      for (std::size_t step = 0; step < steps; ++step) {
        for (packet& sum : sums) sum = cpu::direct::multiply_add(0.999F, sum, term);
      }
      for (packet& sum : sums) ::benchmark::DoNotOptimize(sum);
    });
  });
  return 2e-9 * static_cast<double>(width * chains * steps * threads) / seconds;
}

/// GB/s of a[i] += b[i] over arrays beyond the caches: two reads and a write.
inline double memory_bandwidth() {
  constexpr std::size_t size = std::size_t{1} << 25;
  const std::size_t threads = cpu::available_threads();
  std::vector<float> a(size, 1.0F);
  std::vector<float> b(size, 1e-3F);
  const double seconds = detail::best_seconds([&] {
    cpu::parallel_for(threads, [&](std::size_t thread) {
      const cpu::range part = cpu::part_of(size, thread, threads);
      for (std::size_t i = part.begin; i < part.end; ++i) a[i] += b[i];
    });
    ::benchmark::ClobberMemory();
  });
  return 3e-9 * static_cast<double>(size * sizeof(float)) / seconds;
}

}  // namespace localis::speed
