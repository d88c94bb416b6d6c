// The same steps on a GPU.

#include <string>

#include "step.hpp"
#include <benchmark/benchmark.h>

#include <localis/cuda/backend.cuh>

int main(int count, char** arguments) {
  cudaDeviceProp device{};
  localis::cuda::check(cudaGetDeviceProperties(&device, 0), "cudaGetDeviceProperties");
  benchmark::AddCustomContext("device", device.name);
  for (const auto precision : {localis::cuda::math::pedantic, localis::cuda::math::tf32}) {
    const bool pedantic = precision == localis::cuda::math::pedantic;
    benchmarks::measure_networks(localis::cuda::backend<float>(localis::cuda::options{.precision = precision}),
                                 pedantic ? "/pedantic" : "/tf32", 10);
  }
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
