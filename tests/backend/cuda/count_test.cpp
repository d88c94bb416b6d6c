#include <cstddef>

#include "../cuda_standin/counted_steps.hpp"
#include "backend.hpp"
#include <doctest/doctest.h>

#include <localis/rule/oja.hpp>
#include <localis/zoo/resnet.hpp>

namespace lo = localis;
using localis_test::gpu;

TEST_CASE("cuda: a step of ResNet-18 multiplies as the cost model says, waits for nothing and copies nothing") {
  using net = lo::zoo::resnet18_32<10, lo::rule::oja>;
  standin::reset(standin::mode::counting, std::size_t{1} << 30);
  {
    const gpu<float> backend(lo::cuda::options{.chunk_bytes = std::size_t{16} << 20});
    const auto found = localis_test::count_steps<net>(backend, {0, net::stages / 2, net::stages - 1}, 1e-3);
    for (const localis_test::step_counts& step : found) {
      CHECK(step.copies == 0);
      CHECK(step.convolutions == 0);
    }
  }
  CHECK(standin::alive() == 0);
}
