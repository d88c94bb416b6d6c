// Whole training steps on the CPU: five networks, and batches and threads of two.

#include "step.hpp"

#include <cstddef>
#include <string>

#include "tell_machine.hpp"
#include <benchmark/benchmark.h>

#include <localis/localis.hpp>

namespace lo = localis;
using benchmarks::cpu;

namespace {

/// SGD with other batches, and on fewer threads.
template <class Network>
void measure_scaling(const std::string& network, int steps) {
  const benchmarks::way sgd{"sgd", 0, 0};
  for (const std::size_t batch : {16U, 32U, 64U, 256U}) {
    benchmarks::measure_step<Network>(cpu(), network, sgd, batch, steps * 128 / static_cast<int>(batch));
  }
  for (std::size_t fewer = 1; fewer < cpu().threads(); fewer *= 2) {
    benchmarks::measure_step<Network>(cpu({.threads = fewer}), network, sgd, 128, steps);
  }
}

}  // namespace

int main(int count, char** arguments) {
  benchmarks::tell_machine();
  benchmarks::measure_networks(cpu());
  measure_scaling<examples::main_network<benchmarks::oja>>("main", 20);
  measure_scaling<lo::models::resnet20<10, benchmarks::oja>>("resnet20", 4);
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
