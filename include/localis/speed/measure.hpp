#pragma once

#include <benchmark/benchmark.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/core/error.hpp>
#include <localis/rule/rule.hpp>
#include <localis/speed/peak.hpp>
#include <localis/speed/rule.hpp>

namespace localis::speed {

/// Measures rules on the CPU, on as many threads as OpenMP uses; the options are those of Google Benchmark. A whole
/// program, to be compiled with -O3 -march=native:
///
///   #include <localis/speed/measure.hpp>       // CMake: link localis::speed
///   int main(int count, char** arguments) { return localis::speed::measure<my_rule>(count, arguments); }
///
/// Returns the exit status of the program: 1 for an unknown option.
template <class... Rules>
[[nodiscard]] int measure(int count, char** arguments) {
  const double peak = fma_peak();
  ::benchmark::AddCustomContext("fma_peak", text(peak, " GFLOP/s"));
  (measure_rule<Rules>([] { return cpu::backend<float>(); }, rule::name<Rules>(), peak, 1), ...);
  ::benchmark::Initialize(&count, arguments);
  if (::benchmark::ReportUnrecognizedArguments(count, arguments)) return 1;
  ::benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace localis::speed
