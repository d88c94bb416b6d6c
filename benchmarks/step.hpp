#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "main_network.hpp"
#include <benchmark/benchmark.h>

#include <localis/check/counting.hpp>
#include <localis/core/random.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/mobilenet_v2.hpp>
#include <localis/model/resnet.hpp>
#include <localis/model/vgg.hpp>
#include <localis/optimizer/sgd.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>
#include <localis/train/gradient_descent.hpp>
#include <localis/train/model.hpp>

/// Whole training steps on one batch: forward, loss, backward, update with momentum. Loading pictures is not in it.
///
///   sgd                all stages by gradient descent
///   frozen, localized  stages before the boundary T rest, or learn by Oja's rule; running statistics before T
///   items_per_second   images
///   products           multiply-adds of the step's matrix products, as counted
///
/// Names end in batch size and threads. Steps follow each other without waiting, where the backend can; the last is
/// waited for.
namespace benchmarks {

using oja = localis::rule::local<localis::rule::oja, localis::rule::relative_step>;

struct way {
  const char* name;
  std::size_t boundary;
  double local_rate;
};

template <class Network, class Backend>
void run_steps(benchmark::State& state, const Backend& plain, const way& how, std::size_t batch) {
  namespace lo = localis;
  using counting = lo::check::counting<Backend>;
  const counting backend(plain);
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
    model.judge(lo::loss::softmax_cross_entropy{}, labels);
    model.backward();
    descent.step(1e-3);
  };
  const auto wait = [&] {
    double loss = 0;
    backend.download(model.outcome(), std::span<double>(&loss, 1));
    benchmark::DoNotOptimize(loss);
  };
  step();
  wait();
  backend.counts() = {};
  benchmark::IterationCount left = state.max_iterations;
  for (auto running : state) {
    (void)running;
    step();
    if (--left == 0) wait();
  }
  const auto steps = static_cast<double>(state.iterations());
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batch));
  state.counters["products"] = static_cast<double>(backend.counts().total()) / steps;
}

template <class Network, class Backend>
void measure_step(const Backend& backend, const std::string& network, const way& how, std::size_t batch, int steps) {
  const std::string name = network + '/' + how.name + "/T:" + std::to_string(how.boundary) +
                           "/batch:" + std::to_string(batch) + "/threads:" + std::to_string(backend.threads());
  benchmark::RegisterBenchmark(name.c_str(),
                               [=](benchmark::State& state) { run_steps<Network>(state, backend, how, batch); })
      ->Iterations(steps)
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

/// All ways to train at batch 128.
template <class Network, class Backend>
void measure_ways(const Backend& backend, const std::string& network, int steps) {
  constexpr std::size_t half = Network::stages / 2;
  constexpr std::size_t most = Network::stages - 1;
  constexpr double rate = 1e-6;  // of the weights' norm: nothing grows while it is measured
  for (const way& how : {way{"sgd", 0, 0}, way{"frozen", half, 0}, way{"localized", half, rate}, way{"frozen", most, 0},
                         way{"localized", most, rate}}) {
    measure_step<Network>(backend, network, how, 128, steps);
  }
}

/// Five networks, `more` times as many steps of each.
template <class Backend>
void measure_networks(const Backend& backend, const std::string& suffix = "", int more = 1) {
  namespace lo = localis;
  measure_ways<examples::main_network<oja>>(backend, "main" + suffix, 20 * more);
  measure_ways<lo::models::resnet20<10, oja>>(backend, "resnet20" + suffix, 4 * more);
  measure_ways<lo::models::vgg11_32<10, oja>>(backend, "vgg11" + suffix, 3 * more);
  measure_ways<lo::models::resnet18_32<10, oja>>(backend, "resnet18" + suffix, 2 * more);
  measure_ways<lo::models::mobilenet_v2_32<10, oja>>(backend, "mobilenet_v2" + suffix, 2 * more);
}

}  // namespace benchmarks
