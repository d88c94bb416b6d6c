// Update kernels on the CPU, as shares of what multiply-adds in registers reach.

#include "rule.hpp"

#include <string>

#include "format.hpp"
#include "peak.hpp"
#include "tell_machine.hpp"
#include <benchmark/benchmark.h>

int main(int count, char** arguments) {
  benchmarks::tell_machine();
  const double peak = benchmarks::fma_peak();
  benchmark::AddCustomContext("fma_peak", examples::exact(peak));
  benchmarks::measure_rules([] { return benchmarks::cpu(); }, peak);
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
