#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include <localis/core/random.hpp>
#include <localis/cpu/backend.hpp>
#include <localis/data/dataset.hpp>
#include <localis/optimizer/sgd.hpp>
#include <localis/scheduler/linear.hpp>
#include <localis/supervision/loss_gain.hpp>
#include <localis/train/model.hpp>
#include <localis/train/trainer.hpp>

/// A published network on a few pictures of noise: twenty steps while the boundary moves from 0 to the last stage.
namespace localis_test {

namespace lo = localis;

/// Losses, then every parameter.
template <class Net, class Backend>
std::vector<double> training(const Backend& backend, std::size_t epochs) {
  using scalar = typename Backend::scalar;
  constexpr std::size_t batch = 4;
  constexpr std::size_t samples = 5 * batch;
  lo::model<Net, Backend> model{{.seed = 7}, backend};
  const lo::random_stream random(11);
  std::vector<float> x(samples * Net::input.size());
  std::vector<std::uint32_t> labels(samples);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(random.normal(i));
  for (std::size_t n = 0; n < samples; ++n) labels[n] = static_cast<std::uint32_t>(n % Net::output.size());
  const lo::data::arrays data(Net::input, x, labels, Net::output.size());
  lo::trainer trainer{model,
                      lo::scheduler::linear{},
                      lo::supervision::loss_gain{},
                      {.epochs = epochs, .batch = batch, .local_rate = 1e-3},
                      lo::optimizer::sgd{.momentum = 0.9},
                      lo::learning_rate::constant{1e-3}};
  std::vector<double> result;
  trainer.on_step([&](const lo::step_event& event) { result.push_back(event.loss); });
  const lo::report& report = trainer.fit(data);
  CHECK(report.epochs.back().boundary == (epochs > 1 ? Net::highest_boundary : 0));
  model.for_each_parameter([&](const lo::operation&, const lo::parameter<scalar>& p) {
    std::vector<scalar> host(p.size());
    backend.download(static_cast<const scalar*>(p.value), std::span<scalar>(host));
    result.insert(result.end(), host.begin(), host.end());
  });
  return result;
}

/// norm(found - expected) / norm(expected)
inline double distance(const std::vector<double>& found, const std::vector<double>& expected) {
  REQUIRE(found.size() == expected.size());
  double apart = 0;
  double size = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    apart += (found[i] - expected[i]) * (found[i] - expected[i]);
    size += expected[i] * expected[i];
  }
  return std::sqrt(apart / size);
}

/// In double against cpu, on one thread.
template <class Net, class Backend>
void check_training(const Backend& backend) {
  const std::vector<double> expected = training<Net>(lo::cpu::backend<double>({.threads = 1}), 4);
  CHECK(distance(training<Net>(backend, 4), expected) < 1e-9);
}

}  // namespace localis_test
