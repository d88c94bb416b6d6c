// The same steps on a GPU.

#include <string>

#include "step.hpp"
#include <benchmark/benchmark.h>

#include <localis/cuda/backend.cuh>

int main(int count, char** arguments) {
  cudaDeviceProp device{};
  localis::cuda::check(cudaGetDeviceProperties(&device, 0), "cudaGetDeviceProperties");
  benchmark::AddCustomContext("device", device.name);
  namespace cuda = localis::cuda;
  const auto measure = [](cuda::math precision, const char* ending) {
    benchmarks::measure_networks(cuda::backend<float>(cuda::options{.precision = precision}), ending, 10);
  };
  measure(cuda::math::pedantic, "/pedantic");
  measure(cuda::math::tf32, "/tf32");
  measure(cuda::math::bf16, "/bf16");
  benchmarks::measure_networks(cuda::backend<float, cuda::bfloat16>(), "/stored_bfloat16", 10);
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
