#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "backend.hpp"
#include <doctest/doctest.h>

#include <localis/check/counting.hpp>
#include <localis/core/random.hpp>
#include <localis/cpu/backend.hpp>
#include <localis/data/synthetic.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/relu.hpp>
#include <localis/layer/tanh.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/resnet.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>
#include <localis/scheduler/linear.hpp>
#include <localis/supervision/loss_gain.hpp>
#include <localis/supervision/none.hpp>
#include <localis/supervision/per_stage.hpp>
#include <localis/train/model.hpp>
#include <localis/train/trainer.hpp>

namespace lo = localis;
using localis_test::cuda;

namespace {

constexpr lo::cuda::options small{.chunk_bytes = 20000, .workspace_bytes = 4096};

using net = lo::network<lo::image<6, 6, 2>,
                        lo::conv2d<5, 3, lo::padding<1>, lo::rule::local<lo::rule::oja, lo::rule::relative_step>>,
                        lo::batch_norm, lo::tanh, lo::max_pool2d<2>,
                        lo::dense<8, lo::rule::local<lo::rule::hebb, lo::rule::relative_step>>, lo::tanh, lo::dense<3>>;

struct run {
  lo::report report;
  std::vector<double> weights;
  std::vector<double> losses;  ///< as the callbacks told
};

/// Five steps in each of four epochs; the boundary moves from 0 to 2.
template <class Supervision, class Backend>
run train(const Supervision& supervision, const Backend& backend) {
  using scalar = typename Backend::scalar;
  lo::model<net, Backend> model{{.seed = 5}, backend};
  const lo::random_stream random(3);
  std::vector<float> x(37 * net::input.size());
  std::vector<std::uint32_t> labels(37);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(random.normal(i));
  for (std::size_t n = 0; n < labels.size(); ++n) labels[n] = static_cast<std::uint32_t>(n % 3);
  const lo::data::arrays data({6, 6, 2}, x, labels, 3);
  lo::trainer trainer{model, lo::scheduler::linear{}, supervision, {.epochs = 4, .batch = 8, .local_rate = 0.01}};
  run result;
  trainer.on_step([&](const lo::step_event& event) { result.losses.push_back(event.loss); });
  result.report = trainer.fit(data, data);
  model.for_each_parameter([&](const lo::operation&, const lo::parameter<scalar>& p) {
    std::vector<scalar> host(p.size());
    backend.download(static_cast<const scalar*>(p.value), std::span<scalar>(host));
    result.weights.insert(result.weights.end(), host.begin(), host.end());
  });
  return result;
}

void agree(const std::vector<double>& found, const std::vector<double>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i);
    CHECK(found[i] == doctest::Approx(expected[i]).epsilon(1e-10));
  }
}

template <class Supervision>
void check(const Supervision& supervision) {
  const run expected = train(supervision, lo::cpu::backend<double>({.threads = 1}));
  CHECK(expected.report.epochs.back().boundary > 0);
  for (const standin::mode how : {standin::mode::immediate, standin::mode::deferred}) {
    standin::reset(how, std::size_t{4} << 20);
    const run found = train(supervision, cuda<double>(small));
    agree(found.weights, expected.weights);
    agree(found.losses, expected.losses);
    REQUIRE(found.report.epochs.size() == expected.report.epochs.size());
    for (std::size_t e = 0; e < found.report.epochs.size(); ++e) {
      const lo::epoch_record& a = found.report.epochs[e];
      const lo::epoch_record& b = expected.report.epochs[e];
      agree({a.loss, a.accuracy, a.gain, a.validation_loss, a.validation_accuracy},
            {b.loss, b.accuracy, b.gain, b.validation_loss, b.validation_accuracy});
      CHECK(a.boundary == b.boundary);
      CHECK(a.steps == b.steps);
    }
  }
  CHECK(standin::alive() == 0);
}

}  // namespace

TEST_CASE("cuda: training with a moving boundary is that of the cpu") {
  check(lo::supervision::none{});
  check(lo::supervision::loss_gain{});
  check(lo::supervision::per_stage<>{{}, {2.0, 0.5}});
}

TEST_CASE("cuda: a divergence names the step that it arose in, however many steps were under way") {
  using model_type = lo::model<net, cuda<double>>;
  std::vector<std::size_t> steps;
  for (const standin::mode how : {standin::mode::immediate, standin::mode::deferred}) {
    standin::reset(how, std::size_t{4} << 20);
    model_type model{{.seed = 5}, cuda<double>(small)};
    std::vector<float> x(40 * net::input.size(), 0.5F);
    x[9 * net::input.size()] = std::nanf("");
    const std::vector<std::uint32_t> labels(40, 1);
    const lo::data::arrays data({6, 6, 2}, x, labels, 3);
    lo::trainer trainer{model, lo::scheduler::linear{}, lo::supervision::none{}, {.epochs = 2, .batch = 4}};
    try {
      (void)trainer.fit(data);
      FAIL("no divergence");
    } catch (const lo::divergence_error& failure) {
      CHECK(failure.epoch == 0);
      steps.push_back(failure.step);
    }
    CHECK(trainer.report().end == lo::ending::diverged);
  }
  REQUIRE(steps.size() == 2);
  CHECK(steps[0] == steps[1]);
  CHECK(standin::alive() == 0);
}

TEST_CASE("cuda: a step of ResNet-18 multiplies as the cost model says, waits for nothing and allocates nothing") {
  using resnet = lo::models::resnet18_32<10, lo::rule::oja>;
  using counted = lo::check::counting<cuda<float>>;
  standin::reset(standin::mode::counting, std::size_t{1} << 30);
  {
    const counted backend(cuda<float>(lo::cuda::options{.chunk_bytes = std::size_t{16} << 20}));
    lo::model<resnet, counted> model{{}, backend};
    lo::gradient_descent descent{model, lo::optimizer::sgd{.momentum = 0.9}};
    lo::step_log<decltype(model), lo::supervision::loss_gain> log(model, descent);
    constexpr std::size_t batch = 8;
    model.prepare({.batch = batch});
    const std::vector<float> x(batch * resnet::input.size(), 0.5F);
    const std::vector<std::uint32_t> labels(batch, 1);
    const auto step = [&](std::size_t boundary) {
      log.open({});
      model.forward(x, batch, {.boundary = boundary, .local_rate = 1e-3, .keeps_gains = true});
      model.judge(lo::loss::softmax_cross_entropy{}, labels);
      log.close_forward(batch);
      model.backward();
      descent.step(0.1);
      log.close_step({}, descent);
    };
    step(0);  // the optimizer's state, and the pinned memory of uploads, come with the first steps
    for (std::size_t i = 0; i < 8; ++i) step(0);
    for (const std::size_t boundary : {std::size_t{0}, resnet::stages / 2, resnet::stages - 1}) {
      const standin::counts before = standin::seen();
      backend.counts() = {};
      step(boundary);
      const standin::counts& after = standin::seen();
      CAPTURE(boundary);
      CHECK(after.multiply_adds - before.multiply_adds == backend.counts().total());
      CHECK(after.synchronizations == before.synchronizations);
      CHECK(after.allocations == before.allocations);
      CHECK(after.downloads - before.downloads == 1);  // the record, to its mailbox
      MESSAGE("boundary ", boundary, ": ", after.launches - before.launches, " launches, ",
              after.products - before.products, " products, ", after.uploads - before.uploads, " uploads, ",
              after.copies - before.copies, " copies on the device");
    }
  }
  CHECK(standin::alive() == 0);
}
