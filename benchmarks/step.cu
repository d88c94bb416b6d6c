// The same steps on a GPU.

#include <string>

#include "step.hpp"
#include <benchmark/benchmark.h>

#include <localis/cuda/backend.cuh>

int main(int count, char** arguments) {
  cudaDeviceProp device{};
  localis::cuda::check(cudaGetDeviceProperties(&device, 0), "cudaGetDeviceProperties");
  benchmark::AddCustomContext("device", device.name);
  const auto measure = [](localis::cuda::math precision, const char* ending) {
    const localis::cuda::options chosen{.precision = precision};
    benchmarks::measure_networks(localis::cuda::backend<float>(chosen), ending, 10);
  };
  measure(localis::cuda::math::pedantic, "/pedantic");
  measure(localis::cuda::math::tf32, "/tf32");
  measure(localis::cuda::math::bfloat16, "/bfloat16");
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
