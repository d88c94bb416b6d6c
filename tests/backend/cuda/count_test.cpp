#include <cstddef>
#include <cstdint>
#include <vector>

#include "backend.hpp"
#include <doctest/doctest.h>

#include <localis/check/counting.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/model.hpp>
#include <localis/optimizer/sgd.hpp>
#include <localis/rule/oja.hpp>
#include <localis/supervision/loss_gain.hpp>
#include <localis/train/gradient_descent.hpp>
#include <localis/train/step_pipeline.hpp>
#include <localis/zoo/resnet.hpp>

namespace lo = localis;
using localis_test::gpu;

TEST_CASE("cuda: a step of ResNet-18 multiplies as the cost model says, waits for nothing and allocates nothing") {
  using resnet = lo::zoo::resnet18_32<10, lo::rule::oja>;
  using counted = lo::check::counting<gpu<float>>;
  standin::reset(standin::mode::counting, std::size_t{1} << 30);
  {
    const counted backend(gpu<float>(lo::cuda::options{.chunk_bytes = std::size_t{16} << 20}));
    lo::model<resnet, counted> model{{}, backend};
    lo::gradient_descent descent{model, lo::optimizer::sgd{.momentum = 0.9}};
    lo::step_pipeline<decltype(model), lo::supervision::loss_gain> log(model, descent);
    log.start();
    constexpr std::size_t batch = 8;
    model.prepare({.batch = batch});
    const std::vector<float> x(batch * resnet::input.size(), 0.5F);
    const std::vector<std::uint32_t> labels(batch, 1);
    const auto step = [&](std::size_t boundary) {
      log.open({});
      model.forward(x, batch, {.boundary = boundary, .local_rate = 1e-3, .gains_are_set = true});
      model.compute_loss_async(lo::loss::softmax_cross_entropy{}, labels);
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
      CHECK(after.downloads - before.downloads == 1);  // the record, to its readback
      MESSAGE("boundary ", boundary, ": ", after.launches - before.launches, " launches, ",
              after.products - before.products, " products, ", after.uploads - before.uploads, " uploads, ",
              after.copies - before.copies, " copies on the device");
    }
  }
  CHECK(standin::alive() == 0);
}
