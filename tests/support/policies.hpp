#pragma once

// Every rule, constraint, step, signal, optimizer, loss and supervision of shipped.hpp on a backend, against the
// reference in double.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "parity.hpp"
#include "shipped.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/core/random.hpp>
#include <localis/core/unlabelled.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/tanh.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/train/gradient_descent.hpp>
#include <localis/train/step_pipeline.hpp>

namespace localis_test {

// Each rule in a stage of its own: a convolution first, dense layers behind.

template <class Net, class Rules>
struct append_stages {
  using type = Net;
};
template <class... Layers, class Rule, class... Rest>
struct append_stages<lo::network<Layers...>, types<Rule, Rest...>> {
  using type = typename append_stages<lo::network<Layers..., lo::dense<6, Rule>, lo::tanh>, types<Rest...>>::type;
};
template <class Rules>
struct stages_of;
template <class First, class... Rest>
struct stages_of<types<First, Rest...>> {
  using front = lo::network<lo::image<6, 5, 3>, lo::conv2d<8, 3, lo::padding<1>, First>, lo::tanh>;
  template <class Net>
  struct end;
  template <class... Layers>
  struct end<lo::network<Layers...>> {
    using type = lo::network<Layers..., lo::dense<3>>;
  };
  using type = typename end<typename append_stages<front, types<Rest...>>::type>::type;
};

template <class Rules>
struct in_relative_steps;
template <class... Rules>
struct in_relative_steps<types<Rules...>> {
  using type = types<lo::rule::local<Rules, lo::rule::relative_step>...>;
};

template <class Rules>
using net_of_rules = typename stages_of<typename in_relative_steps<Rules>::type>::type;

/// The policies around a rule. Where a row's threads share it, as on a GPU in rows of many inputs, `constrain` runs.
using net_of_policies = typename stages_of<types<
    lo::rule::local<oja, lo::rule::relative_step, lo::rule::unit_rows, lo::rule::momentum, lo::rule::sampled_rows>,
    lo::rule::local<oja, lo::rule::max_abs_step, cubic_rows, decaying_adam>,
    lo::rule::local<rated_soft_hebb, lo::rule::max_abs_step, nesterov, lo::rule::unguarded>,
    lo::rule::local<lo::rule::oja, clip_early, lo::rule::running_normalized_signal, lo::rule::hebbian_bias>,
    lo::rule::local<lo::rule::instar, lo::rule::batch_normalized_signal, lo::rule::fail_on_negative_scale>,
    lo::rule::local<bounded, lo::rule::eligibility_trace, lo::rule::relative_step, nesterov, lo::rule::sampled_rows,
                    lo::rule::running_normalized_signal>>>::type;

using net_of_supervised_rules =
    typename stages_of<types<lo::rule::local<lo::rule::error_feedback, lo::rule::relative_step, lo::rule::unit_rows>,
                             lo::rule::local_error, lo::rule::local<lo::rule::local_error, decaying_adam, clip_early>,
                             lo::rule::similarity_error, lo::rule::predsim<>, lo::rule::phsic>>::type;

/// Steps at these boundaries of two batch sizes, from one seed: losses, the records of the steps, and in the end every
/// parameter and state.
template <class Net, class Backend, class Optimizer, class Loss, class Supervision>
std::vector<array> policy_trace(const Backend& backend, const std::vector<std::size_t>& boundaries, double local_rate,
                                const Optimizer& optimizer, const Loss& loss, const Supervision& supervision) {
  using scalar = typename Backend::scalar;
  constexpr std::size_t data = 27;  // of which a batch sees some, by index
  lo::model<Net, Backend> model{{.seed = 9}, backend};
  lo::gradient_descent descent{model, optimizer};
  model.prepare({.batch = batch, .samples = data});
  lo::step_pipeline<decltype(model), Supervision> log(model, descent);
  log.start();
  std::vector<array> result;
  const auto keep = [&](const std::string& name, const scalar* values, std::size_t size) {
    std::vector<scalar> host(size);
    backend.download(values, std::span<scalar>(host));
    result.push_back({name, {host.begin(), host.end()}});
  };
  for (std::size_t step = 0; step < boundaries.size(); ++step) {
    const std::size_t samples = step == 1 ? 11 : batch;
    std::vector<scalar> x(samples * Net::input.size());
    std::vector<scalar> targets(samples * Net::output.size());
    std::vector<std::uint32_t> labels(samples);
    std::vector<std::uint32_t> indices(samples);
    for (std::size_t n = 0; n < samples; ++n) {
      indices[n] = static_cast<std::uint32_t>((n + 5 * step) % data);
      labels[n] = static_cast<std::uint32_t>(indices[n] % Net::output.size());
      if (step == 2 && n % 5 == 1) labels[n] = lo::data::unlabelled;
      const lo::random_stream random(23, indices[n]);
      for (std::size_t i = 0; i < Net::input.size(); ++i) {
        x[n * Net::input.size() + i] = static_cast<scalar>(random.normal(i));
      }
      for (std::size_t k = 0; k < Net::output.size(); ++k) {
        targets[n * Net::output.size() + k] = static_cast<scalar>(0.1 * static_cast<double>(k + indices[n] % 4));
      }
    }
    // These rows are no distributions.
    if constexpr (std::is_base_of_v<lo::loss::softmax_cross_entropy, Loss>) targets.clear();
    log.open(supervision);
    model.forward(x, samples,
                  {.boundary = boundaries[step],
                   .local_rate = local_rate,
                   .gains_are_set = true,
                   .step = step,
                   .reward = decltype(model)::has_traces && step % 3 == 1 ? -2.0 : 1.0,
                   .labels = labels,
                   .indices = indices});
    model.compute_loss_async(loss, labels, targets);
    log.close_forward(lo::data::labelled_samples(labels, samples));
    model.backward();
    descent.step(0.05);
    log.close_step(supervision, descent);
    const auto record = log.read();
    result.push_back({"record of step " + std::to_string(step), {record.loss, record.gain, record.correct}});
    result.push_back({"changes of step " + std::to_string(step), {record.change.begin(), record.change.end()}});
    result.push_back(
        {"local changes of step " + std::to_string(step), {record.local_change.begin(), record.local_change.end()}});
  }
  model.for_each_parameter([&](const lo::operation& op, const lo::parameter<scalar>& p) {
    keep("stage " + std::to_string(op.stage) + ": " + op.rule + " " + p.name, p.value, p.size());
  });
  model.for_each_layer([&](const lo::operation& op, auto& layer) {
    if constexpr (requires { layer.states(); }) {
      for (const auto& p : layer.states()) {
        keep("stage " + std::to_string(op.stage) + ": " + op.rule + " " + p.name, p.value, p.size());
      }
    }
  });
  return result;
}

template <class T>
inline constexpr double policy_tolerance = 1e-11;
template <>
inline constexpr double policy_tolerance<float> = 1e-3;

template <class Net, class Backend, class Optimizer = lo::optimizer::sgd, class Loss = lo::loss::softmax_cross_entropy,
          class Supervision = lo::supervision::none>
void check_policies(const Backend& backend, const char* what, const std::vector<std::size_t>& boundaries,
                    double local_rate = 0.01) {
  const auto trace_on = [&](const auto& device) {
    return policy_trace<Net>(device, boundaries, local_rate, Optimizer{}, Loss{}, Supervision{});
  };
  const auto expected = trace_on(lo::reference::backend<double>());
  const difference found = compare(trace_on(backend), expected);
  CAPTURE(what);
  CAPTURE(found.name);
  CHECK(found.largest <= policy_tolerance<typename Backend::scalar>);
}

/// @param backend  gives one
template <class Make>
void check_every_policy(const Make& make) {
  for_each_type(rules{}, [&]<class Rules>(std::type_identity<Rules>) {
    using net = net_of_rules<Rules>;
    check_policies<net>(make(), "rules", std::vector<std::size_t>(6, net::highest_boundary));
  });
  check_policies<net_of_policies>(make(), "policies", std::vector<std::size_t>(6, net_of_policies::highest_boundary));
  constexpr std::size_t last = net_of_supervised_rules::highest_boundary;
  check_policies<net_of_supervised_rules>(make(), "supervised rules", {0, 0, 0, last, last, 1, last, last});
  using net = lo::network<lo::image<6, 5, 3>, lo::conv2d<8, 3, lo::padding<1>, in_small_steps<oja>>, lo::tanh,
                          lo::dense<6, in_small_steps<lo::rule::hebb>>, lo::tanh, lo::dense<3>>;
  const std::vector<std::size_t> moving{0, 1, 2, 0, 1, 2};
  for_each_type(optimizers{}, [&]<class Optimizer>(std::type_identity<Optimizer>) {
    check_policies<net, decltype(make()), Optimizer>(make(), "optimizers", moving);
  });
  for_each_type(losses{}, [&]<class Loss>(std::type_identity<Loss>) {
    check_policies<net, decltype(make()), lo::optimizer::sgd, Loss>(make(), "losses", moving);
  });
  for_each_type(supervisions{}, [&]<class Supervision>(std::type_identity<Supervision>) {
    check_policies<net, decltype(make()), lo::optimizer::sgd, lo::loss::softmax_cross_entropy, Supervision>(
        make(), "supervisions", moving);
  });
}

}  // namespace localis_test
