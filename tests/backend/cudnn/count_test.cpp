#include <cstddef>

#include "../cuda_standin/counted_steps.hpp"
#include "backend.hpp"
#include <doctest/doctest.h>

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

}  // namespace

TEST_CASE("cudnn: launches, convolutions and copies of a step of ResNet-18") {
  const three_steps<lo::zoo::resnet18_32<10, lo::rule::oja>> step;
  // 17 convolutions of 3 x 3 and 3 of 1 x 1 with stride 2; the first computes no input gradient.
  CHECK(step.sgd.convolutions == 3 * 20 - 1);
  CHECK(step.localized.convolutions == 2 * 20);
  CHECK(step.frozen.convolutions == 20);
  for (const localis_test::step_counts& each : {step.sgd, step.localized, step.frozen}) CHECK(each.copies == 0);
  CHECK(step.sgd.launches <= 110);
  CHECK(step.localized.launches <= 80);
  CHECK(step.frozen.launches <= 60);
}

TEST_CASE("cudnn: launches of a step of ResNet-50") {
  standin::reset(standin::mode::counting, std::size_t{4} << 30);
  const auto sgd = count_steps<lo::zoo::resnet50<1000, lo::rule::oja>>(lo::cudnn::backend<float>(), {0}, 1e-3)[0];
  CHECK(sgd.copies == 0);
  CHECK(sgd.launches <= 350);
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
