// Whole training steps on one batch: forward, loss, backward, update with momentum. Loading pictures is not in it.
//
//   sgd                all stages by gradient descent
//   frozen, localized  stages before the boundary T rest, or learn by Oja's rule; running statistics before T
//   items_per_second   images
//   products           multiply-adds of the step's matrix products, as counted
//
// Names end in batch size and threads.

#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "layer.hpp"
#include "main_network.hpp"
#include <benchmark/benchmark.h>

#include <localis/localis.hpp>
#include <localis/model/mobilenet_v2.hpp>
#include <localis/model/resnet.hpp>
#include <localis/model/vgg.hpp>

namespace lo = localis;

namespace {

using counting = lo::check::counting<lo::cpu::backend<float>>;
using oja = lo::rule::local<lo::rule::oja, lo::rule::relative_step>;

struct way {
  const char* name;
  std::size_t boundary;
  double local_rate;
};

template <class Network>
void run_steps(benchmark::State& state, const way& how, std::size_t batch, std::size_t threads) {
  const counting backend(lo::cpu::backend<float>({.threads = threads}));
  lo::model<Network, counting> model{{.seed = 1}, backend};
  lo::gradient_descent descent{model, lo::optimizer::sgd{.momentum = 0.9, .weight_decay = 5e-4}};
  model.prepare({.batch = batch, .lowest_boundary = how.boundary, .highest_boundary = how.boundary});
  std::vector<float> features(batch * Network::input.size());
  const lo::random_stream random(2, 0);
  for (std::size_t i = 0; i < features.size(); ++i) features[i] = static_cast<float>(random.normal(i));
  std::vector<std::uint32_t> labels(batch);
  for (std::size_t n = 0; n < batch; ++n) labels[n] = static_cast<std::uint32_t>(n % 10);
  std::uint64_t number = 0;
  const auto step = [&] {
    model.forward(features, batch, {.boundary = how.boundary, .local_rate = how.local_rate, .step = number++});
    benchmark::DoNotOptimize(model.loss(lo::loss::softmax_cross_entropy{}, labels));
    model.backward();
    descent.step(1e-3);
  };
  step();
  backend.counts() = {};
  for (auto running : state) {
    (void)running;
    step();
  }
  const auto steps = static_cast<double>(state.iterations());
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * batch));
  state.counters["products"] = static_cast<double>(backend.counts().total()) / steps;
}

template <class Network>
void measure_one(const std::string& network, const way& how, std::size_t batch, std::size_t threads, int steps) {
  const std::string name = network + '/' + how.name + "/T:" + std::to_string(how.boundary) +
                           "/batch:" + std::to_string(batch) + "/threads:" + std::to_string(threads);
  benchmark::RegisterBenchmark(name.c_str(),
                               [=](benchmark::State& state) { run_steps<Network>(state, how, batch, threads); })
      ->Iterations(steps)
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

/// All ways to train at batch 128.
template <class Network>
void measure(const std::string& network, int steps) {
  const std::size_t threads = lo::cpu::available_threads();
  constexpr std::size_t half = Network::stages / 2;
  constexpr std::size_t most = Network::stages - 1;
  constexpr double rate = 1e-6;  // of the weights' norm: nothing grows while it is measured
  for (const way& how : {way{"sgd", 0, 0}, way{"frozen", half, 0}, way{"localized", half, rate}, way{"frozen", most, 0},
                         way{"localized", most, rate}}) {
    measure_one<Network>(network, how, 128, threads, steps);
  }
}

/// SGD with other batches, and on fewer threads.
template <class Network>
void measure_scaling(const std::string& network, int steps) {
  const std::size_t threads = lo::cpu::available_threads();
  const way sgd{"sgd", 0, 0};
  for (const std::size_t batch : {16, 32, 64, 256}) {
    measure_one<Network>(network, sgd, batch, threads, steps * 128 / static_cast<int>(batch));
  }
  for (std::size_t fewer = 1; fewer < threads; fewer *= 2) measure_one<Network>(network, sgd, 128, fewer, steps);
}

}  // namespace

int main(int count, char** arguments) {
  benchmarks::tell_machine();
  measure<examples::main_network<oja>>("main", 20);
  measure_scaling<examples::main_network<oja>>("main", 20);
  measure<lo::models::resnet20<10, oja>>("resnet20", 4);
  measure_scaling<lo::models::resnet20<10, oja>>("resnet20", 4);
  measure<lo::models::vgg11_32<10, oja>>("vgg11", 3);
  measure<lo::models::resnet18_32<10, oja>>("resnet18", 2);
  measure<lo::models::mobilenet_v2_32<10, oja>>("mobilenet_v2", 2);
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
