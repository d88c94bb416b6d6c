#include <cstddef>

#include "../cuda_standin/counted_steps.hpp"
#include "backend.hpp"
#include <doctest/doctest.h>

#include <localis/model/model.hpp>
#include <localis/rule/oja.hpp>
#include <localis/zoo/resnet.hpp>

namespace lo = localis;
using localis_test::count_steps;

namespace {

/// Launches, products and convolutions of a step of SGD, of a localized one and of a frozen one, both at T = L - 1.
template <class Net>
struct three_steps {
  localis_test::step_counts sgd, localized, frozen;

  three_steps() {
    standin::reset(standin::mode::counting, std::size_t{4} << 30);
    const lo::cudnn::backend<float> backend;
    const auto learning = count_steps<Net>(backend, {0, Net::stages - 1}, 1e-3);
    sgd = learning[0];
    localized = learning[1];
    frozen = count_steps<Net>(backend, {Net::stages - 1}, 0)[0];
  }
};

/// The bytes besides parameters and optimizer that a step takes on a device: by gradient descent, and localized at
/// T = L - 1.
template <class Net>
struct step_bytes {
  std::size_t sgd, localized;

  explicit step_bytes(std::size_t batch) {
    standin::reset(standin::mode::counting, std::size_t{6} << 30);
    lo::model<Net, lo::cudnn::backend<float>> m;
    m.prepare({.batch = batch});
    const lo::summary summary = m.summary();
    const std::size_t workspace = lo::cuda::options{}.workspace_bytes;
    sgd = summary.memory.front().arena + workspace;
    localized = summary.memory.back().arena + workspace;
    MESSAGE(lo::text("batch ", batch, ": ", sgd >> 20, " MiB by gradient descent, ", localized >> 20,
                     " MiB localized at the highest boundary"));
  }
};

}  // namespace

TEST_CASE("cudnn: launches, convolutions and copies of a step of ResNet-18") {
  const three_steps<lo::zoo::resnet18_32<10, lo::rule::oja>> step;
  // 17 convolutions of 3 x 3 and 3 of 1 x 1 with stride 2; the first computes no input gradient.
  CHECK(step.sgd.convolutions == 3 * 20 - 1);
  CHECK(step.localized.convolutions == 2 * 20);
  CHECK(step.frozen.convolutions == 20);
  for (const localis_test::step_counts& each : {step.sgd, step.localized, step.frozen}) CHECK(each.copies == 0);
  CHECK(step.sgd.launches <= 100);
  CHECK(step.localized.launches <= 80);
  CHECK(step.frozen.launches <= 60);
}

TEST_CASE("cudnn: launches of a step of ResNet-50") {
  standin::reset(standin::mode::counting, std::size_t{4} << 30);
  const auto sgd = count_steps<lo::zoo::resnet50<1000, lo::rule::oja>>(lo::cudnn::backend<float>(), {0}, 1e-3)[0];
  CHECK(sgd.copies == 0);
  CHECK(sgd.launches <= 250);
}

TEST_CASE("cudnn: a step of ResNet-18 as a graph is one launch") {
  using net = lo::zoo::resnet18_32<10, lo::rule::oja>;
  standin::reset(standin::mode::counting, std::size_t{1} << 30);
  const lo::cudnn::backend<float> backend(lo::cuda::options{.graphs = true});
  for (const localis_test::step_counts& step : count_steps<net>(backend, {0, net::stages - 1}, 1e-3)) {
    CHECK(step.launches == 0);
    CHECK(step.graphs == 1);
  }
}

TEST_CASE("cudnn: a localized step takes at most 0.3 of the memory of PyTorch's step by gradient descent") {
  // On an H200, PyTorch's steps as graphs took 987 MiB and 6.1 GiB besides weights.
  const step_bytes<lo::zoo::resnet18_32<10, lo::rule::oja>> small(128);
  CHECK(small.localized <= std::size_t{987} * 3 / 10 << 20);
  CHECK(small.sgd <= std::size_t{987} << 20);
  const step_bytes<lo::zoo::resnet50<1000, lo::rule::oja>> large(64);
  CHECK(large.localized <= std::size_t{6246} * 3 / 10 << 20);
  CHECK(large.sgd <= std::size_t{6246} << 20);
}
