#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "support/distance.hpp"
#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/core/random.hpp>
#include <localis/data/dataset.hpp>
#include <localis/model/model.hpp>
#include <localis/optimizer/sgd.hpp>
#include <localis/scheduler/linear.hpp>
#include <localis/supervision/loss_gain.hpp>
#include <localis/train/trainer.hpp>

/// Published networks on a few pictures of noise, a few steps.
namespace localis_test {

namespace lo = localis;

struct course {
  std::size_t epochs = 4;
  std::size_t steps = 5;  ///< of an epoch
  std::size_t batch = 4;
};

/// Losses, then every parameter.
template <class Net, class Backend, class Scheduler>
std::vector<double> training(const Backend& backend, const course& course, const Scheduler& scheduler) {
  using scalar = typename Backend::scalar;
  const std::size_t samples = course.steps * course.batch;
  lo::model<Net, Backend> model{{.seed = 7}, backend};
  const lo::random_stream random(11);
  std::vector<float> x(samples * Net::input.size());
  std::vector<std::uint32_t> labels(samples);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(random.normal(i));
  for (std::size_t n = 0; n < samples; ++n) labels[n] = static_cast<std::uint32_t>(n % Net::output.size());
  const lo::data::arrays data(Net::input, x, labels, Net::output.size());
  lo::trainer trainer{model,
                      scheduler,
                      lo::supervision::loss_gain{},
                      {.epochs = course.epochs, .batch = course.batch, .local_rate = 1e-3},
                      lo::optimizer::sgd{.momentum = 0.9},
                      lo::learning_rate::constant{1e-3}};
  std::vector<double> result;
  trainer.on_step([&](const lo::step_event& event) { result.push_back(event.loss); });
  const lo::report& report = trainer.fit(data);
  CHECK(report.epochs.back().boundary > 0);
  model.for_each_parameter([&](const lo::operation&, const lo::parameter<scalar>& p) {
    std::vector<scalar> host(p.size());
    backend.download(static_cast<const scalar*>(p.value), std::span<scalar>(host));
    result.insert(result.end(), host.begin(), host.end());
  });
  return result;
}

/// Against cpu, on one thread, in double: twenty steps while the boundary moves from 0 to the last stage, or as many as
/// the course has.
template <class Net, class Backend>
void check_training(const Backend& backend, const course& course = {}) {
  const lo::cpu::backend<double> one({.threads = 1});
  const std::vector<double> expected = training<Net>(one, course, lo::scheduler::linear{});
  CHECK(distance(training<Net>(backend, course, lo::scheduler::linear{}), expected) < 1e-9);
}

/// In float: one step with the boundary in the middle.
template <class Net, class Backend>
void check_step(const Backend& backend, double tolerance = 1e-6) {
  const auto half = [](std::size_t) { return Net::highest_boundary / 2; };
  const course one_step{.epochs = 1, .steps = 1};
  const std::vector<double> expected = training<Net>(lo::cpu::backend<float>({.threads = 1}), one_step, half);
  CHECK(distance(training<Net>(backend, one_step, half), expected) < tolerance);
}

}  // namespace localis_test
