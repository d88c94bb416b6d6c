#pragma once

#include "lab/report/exit_status.hpp"
#include <benchmark/benchmark.h>

namespace benchmarks {

/// Runs what the command line chooses among what was registered, and returns the program's exit status.
[[nodiscard]] inline int run_benchmarks(const char* name, int count, char** arguments) {
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return examples::exit_status(name);
}

}  // namespace benchmarks
