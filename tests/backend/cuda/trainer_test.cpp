#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "backend.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/core/random.hpp>
#include <localis/data/synthetic.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/tanh.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>
#include <localis/scheduler/linear.hpp>
#include <localis/supervision/loss_gain.hpp>
#include <localis/supervision/none.hpp>
#include <localis/supervision/per_stage.hpp>
#include <localis/train/trainer.hpp>

namespace lo = localis;
using localis_test::gpu;
using localis_test::small;
using localis_test::small_graphs;

namespace {

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
  const run expected = train(supervision, lo::reference::backend<double>());
  CHECK(expected.report.epochs.back().boundary > 0);
  const auto trains_alike = [&](const lo::cuda::options& options) {
    const run found = train(supervision, gpu<double>(options));
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
  };
  localis_test::on_device([&] { trains_alike(small); });
  localis_test::on_device([&] {
    trains_alike(small_graphs);
#if !defined(__CUDACC__)
    // 20 steps at three boundaries with batches of two sizes: 6 are the first of their kind, and 4 the second.
    CHECK(standin::seen().graphs == 14);
    CHECK(standin::seen().updates == 10);
#endif
  });
}

}  // namespace

TEST_CASE("cuda: training with a moving boundary is that of the reference") {
  check(lo::supervision::none{});
  check(lo::supervision::loss_gain{});
  check(lo::supervision::per_stage<>{{}, {2.0, 0.5}});
}

TEST_CASE("cuda: the step that a run went wrong in is named, however many steps were under way") {
  std::vector<float> x(40 * net::input.size(), 0.5F);
  x[9 * net::input.size()] = std::nanf("");
  const std::vector<std::uint32_t> labels(40, 1);
  const lo::data::arrays data({6, 6, 2}, x, labels, 3);
  const auto said_by = [&](const auto& backend) {
    lo::model<net, std::decay_t<decltype(backend)>> model{{.seed = 5}, backend};
    lo::trainer trainer{model, lo::scheduler::linear{}, lo::supervision::none{}, {.epochs = 2, .batch = 4}};
    std::string said = "nothing";
    try {
      (void)trainer.fit(data);
    } catch (const lo::data_error& failure) {
      said = failure.what();
    }
    CHECK(trainer.report().end == lo::ending::diverged);
    return said;
  };
  const std::string expected = said_by(lo::reference::backend<double>());
  CHECK(expected.find("sample 9 of the training data") != std::string::npos);
  CHECK(expected.find("(epoch 0, step ") != std::string::npos);
  localis_test::on_device([&] { CHECK(said_by(gpu<double>(small)) == expected); });
}
