#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <localis/check/counting.hpp>
#include <localis/core/random.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/model.hpp>
#include <localis/optimizer/sgd.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>
#include <localis/train/gradient_descent.hpp>

/// Whole training steps on one batch: forward, loss, backward, update with momentum. Loading pictures is not included.
///
///   sgd                all stages by gradient descent
///   frozen, localized  stages before the boundary T are frozen, or learn by Oja's rule; running statistics before T
///   items_per_second   images
///   products           multiply-adds of the step's matrix products, as counted
///   peak_bytes         the largest sum of what the backend held at once: weights, states and the arena
///
/// Names end in batch size and threads; a filter picks by name, as in --benchmark_filter='^resnet18/tf32/sgd'. If the
/// backend can, steps follow each other without waiting; the program waits for the last one.
namespace benchmarks {

using oja = localis::rule::local<localis::rule::oja, localis::rule::relative_step>;

struct way {
  const char* name;
  std::size_t boundary;
  double local_rate;
};

template <class Network, class Backend>
void run_steps(benchmark::State& state, const Backend& plain, const way& method, std::size_t batch) {
  namespace lo = localis;
  using counting = lo::check::counting<Backend>;
  const counting backend(plain);
  lo::model<Network, counting> model{{.seed = 1}, backend};
  lo::gradient_descent descent{model, lo::optimizer::sgd{.momentum = 0.9, .weight_decay = 5e-4}};
  model.prepare({.batch = batch, .lowest_boundary = method.boundary, .highest_boundary = method.boundary});
  std::vector<float> features(batch * Network::input.size());
  const lo::random_stream random(2, 0);
  for (std::size_t i = 0; i < features.size(); ++i) features[i] = static_cast<float>(random.normal(i));
  std::vector<std::uint32_t> labels(batch);
  for (std::size_t n = 0; n < batch; ++n) labels[n] = static_cast<std::uint32_t>(n % 10);
  std::uint64_t number = 0;
  auto run_step = backend.make_step_runner();
  const auto step = [&] {
    run_step(method.boundary, batch, [&] {
      model.forward(features, batch, {.boundary = method.boundary, .local_rate = method.local_rate, .step = number++});
      model.compute_loss_async(lo::loss::softmax_cross_entropy{}, labels);
      model.backward();
      descent.step(1e-3);
    });
  };
  const auto wait = [&] {
    double loss = 0;
    backend.download(model.loss_sums(), std::span<double>(&loss, 1));
    benchmark::DoNotOptimize(loss);
  };
  step();
  step();  // with a graph, where the backend makes one
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
  state.counters["peak_bytes"] = static_cast<double>(backend.counters().peak);
}

/// @param make     a new backend, called when the steps are to run: their names need no device
/// @param threads  of that backend
template <class Network, class Make>
void measure_step(const Make& make, std::size_t threads, const std::string& network, const way& method,
                  std::size_t batch, int steps) {
  const std::string name = network + '/' + method.name + "/T:" + std::to_string(method.boundary) +
                           "/batch:" + std::to_string(batch) + "/threads:" + std::to_string(threads);
  benchmark::RegisterBenchmark(name.c_str(),
                               [=](benchmark::State& state) { run_steps<Network>(state, make(), method, batch); })
      ->Iterations(steps)
      ->MeasureProcessCPUTime()
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

/// All ways to train.
template <class Network, class Make>
void measure_ways(const Make& make, std::size_t threads, const std::string& network, std::size_t batch, int steps) {
  constexpr std::size_t half = Network::stages / 2;
  constexpr std::size_t highest = Network::stages - 1;
  constexpr double rate = 1e-6;  // of the norm of the weights, so that nothing grows during the measurement
  for (const way& method : {way{"sgd", 0, 0}, way{"frozen", half, 0}, way{"localized", half, rate},
                            way{"frozen", highest, 0}, way{"localized", highest, rate}}) {
    measure_step<Network>(make, threads, network, method, batch, steps);
  }
}

}  // namespace benchmarks
