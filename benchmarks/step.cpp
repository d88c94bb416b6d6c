// Measures whole training steps of six networks on the CPU, for two of them with several batches and threads.

#include "step.hpp"

#include <cstddef>
#include <string>

#include "run_benchmarks.hpp"
#include "tell_machine.hpp"

#include <localis/zoo/mobilenet_v2.hpp>
#include <localis/zoo/resnet.hpp>
#include <localis/zoo/six_stages.hpp>
#include <localis/zoo/vgg.hpp>

namespace lo = localis;
using benchmarks::cpu;

namespace {

template <class Network>
void measure(const std::string& network, int steps, std::size_t batch = 128) {
  benchmarks::measure_ways<Network>([] { return cpu(); }, cpu().threads(), network, batch, steps);
}

/// Measures SGD with other batches, and on fewer threads.
template <class Network>
void measure_scaling(const std::string& network, int steps) {
  const auto sgd = [&](std::size_t threads, std::size_t batch, int count) {
    benchmarks::measure_step<Network>([threads] { return cpu({.threads = threads}); }, threads, network,
                                      benchmarks::way{"sgd", 0, 0}, batch, count);
  };
  for (const std::size_t batch : {16U, 32U, 64U, 256U}) {
    sgd(cpu().threads(), batch, steps * 128 / static_cast<int>(batch));
  }
  for (std::size_t fewer = 1; fewer < cpu().threads(); fewer *= 2) sgd(fewer, 128, steps);
}

}  // namespace

int main(int count, char** arguments) {
  using benchmarks::oja;
  benchmarks::tell_machine();
  measure<lo::zoo::six_stages<10, oja>>("main", 20);
  measure<lo::zoo::resnet20<10, oja>>("resnet20", 4);
  measure<lo::zoo::vgg11_32<10, oja>>("vgg11", 3);
  measure<lo::zoo::resnet18_32<10, oja>>("resnet18", 2);
  measure<lo::zoo::mobilenet_v2_32<10, oja>>("mobilenet_v2", 2);
  measure<lo::zoo::resnet50<1000, oja>>("resnet50", 1, 16);
  measure_scaling<lo::zoo::six_stages<10, oja>>("main", 20);
  measure_scaling<lo::zoo::resnet20<10, oja>>("resnet20", 4);
  return benchmarks::run_benchmarks("bench_step", count, arguments);
}
