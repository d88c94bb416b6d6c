#pragma once

#include <exception>
#include <iostream>

#include "lab/report/exit_status.hpp"
#include <benchmark/benchmark.h>

#include <localis/backend/cuda/backend.cuh>

namespace benchmarks {

/// Runs Google Benchmark's program on a GPU. Names are listed without a GPU. If a benchmark would run without a GPU, if
/// it fails, or if no name matches the filter, the program ends with one line that gives the reason, and with status 1.
/// @param prepare  registers what runs; there_is_one tells whether something can be measured before
template <class Prepare>
[[nodiscard]] int run_on_gpu(const char* name, int count, char** arguments, const Prepare& prepare) {
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 1;
  try {
    cudaDeviceProp device{};
    const bool there_is_one = cudaGetDeviceProperties(&device, 0) == cudaSuccess;
    if (there_is_one) benchmark::AddCustomContext("device", device.name);
    prepare(there_is_one);
    return examples::exit_status(name, benchmark::RunSpecifiedBenchmarks() > 0 ? 0 : 1);
  } catch (const std::exception& failure) {
    std::cerr << name << ": " << failure.what() << std::endl;
    return 1;
  }
}

}  // namespace benchmarks
