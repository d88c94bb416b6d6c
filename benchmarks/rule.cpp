// Measures the update kernels on the CPU, as fractions of the speed of multiply-adds in registers.

#include "rule.hpp"

#include <string>

#include "lab/report/format.hpp"
#include "peak.hpp"
#include "run_benchmarks.hpp"
#include "tell_machine.hpp"
#include <benchmark/benchmark.h>

int main(int count, char** arguments) {
  benchmarks::tell_machine();
  const double peak = benchmarks::fma_peak();
  benchmark::AddCustomContext("fma_peak", examples::exact(peak));
  benchmarks::measure_rules([] { return benchmarks::cpu(); }, peak);
  return benchmarks::run_benchmarks("bench_rule", count, arguments);
}
