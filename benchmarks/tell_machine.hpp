#pragma once

#include <iostream>
#include <string>

#include "lab/report/machine.hpp"
#include <benchmark/benchmark.h>

#include <localis/backend/cpu/backend.hpp>

namespace benchmarks {

using cpu = localis::cpu::backend<float>;

/// Writes the facts about the machine and the build, to which all figures belong, to stderr and to the results.
inline void tell_machine() {
  const examples::machine here = examples::this_machine();
  const std::string told = here.processor + "; " + here.compiler + "; " + here.build + "; " + cpu::instructions() +
                           "; threads " + std::to_string(cpu().threads()) + "; seeds 1, 2; commit " + here.commit;
  std::cerr << told << '\n';
  benchmark::AddCustomContext("machine", told);
}

}  // namespace benchmarks
