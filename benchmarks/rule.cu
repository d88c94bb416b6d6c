// Update kernels on a GPU, as shares of what cuBLAS reaches with a large product in float.

#include <chrono>
#include <cstddef>
#include <span>
#include <string>

#include "format.hpp"
#include "rule.hpp"
#include <benchmark/benchmark.h>

#include <localis/cuda/backend.cuh>

namespace {

using backend = localis::cuda::backend<float>;

/// GFLOP/s of c = a b, 8192 x 8192 each.
double product_peak(const backend& device) {
  constexpr std::size_t side = 8192;
  constexpr int together = 5;
  const auto square = [&] { return device.allocate<float>(localis::memory_kind::arena, side * side); };
  const auto a = square(), b = square(), c = square();
  const auto run = [&] {
    device.subtract_product(side, side, side, a.data(), b.data(), c.data());
    float last = 0;
    device.download(static_cast<const float*>(c.data()), std::span<float>(&last, 1));
  };
  run();
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < together; ++i) run();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return 2e-9 * static_cast<double>(side * side * side) * together / seconds;
}

}  // namespace

int main(int count, char** arguments) {
  cudaDeviceProp properties{};
  localis::cuda::check(cudaGetDeviceProperties(&properties, 0), "cudaGetDeviceProperties");
  benchmark::AddCustomContext("device", properties.name);
  const backend device;
  const double peak = product_peak(device);
  benchmark::AddCustomContext("cublas_peak", examples::exact(peak));
  benchmarks::measure_rules(device, peak, 10);
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
