#pragma once

#include <iostream>
#include <string>

#include "machine_text.hpp"
#include <benchmark/benchmark.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/core/error.hpp>

namespace benchmarks {

using cpu = localis::cpu::backend<float>;

/// Writes the facts about the machine and the build, to which all figures belong, to stderr and to the results.
inline void tell_machine() {
  const std::string told =
      machine_text(localis::text(cpu::instructions(), "; threads ", cpu().threads(), "; seeds 1, 2"));
  std::cerr << told << '\n';
  benchmark::AddCustomContext("machine", told);
}

}  // namespace benchmarks
