// Measures the update kernels on the CPU, as fractions of the speed of multiply-adds in registers.

#include <string>

#include "lab/report/format.hpp"
#include "run_benchmarks.hpp"
#include "tell_machine.hpp"
#include <benchmark/benchmark.h>

#include <localis/speed/peak.hpp>
#include <localis/speed/rule.hpp>

int main(int count, char** arguments) {
  benchmarks::tell_machine();
  const double peak = localis::speed::fma_peak();
  benchmark::AddCustomContext("fma_peak", examples::exact(peak));
  localis::speed::measure_rules([] { return benchmarks::cpu(); }, peak);
  return benchmarks::run_benchmarks("bench_rule", count, arguments);
}
