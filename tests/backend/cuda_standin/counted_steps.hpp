#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "standin.hpp"
#include <doctest/doctest.h>

#include <localis/check/counting.hpp>
#include <localis/core/error.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/model.hpp>
#include <localis/optimizer/sgd.hpp>
#include <localis/supervision/loss_gain.hpp>
#include <localis/train/gradient_descent.hpp>
#include <localis/train/step_pipeline.hpp>

namespace localis_test {

namespace lo = localis;

/// What one step submits to a device.
struct step_counts {
  std::size_t launches;
  std::size_t products;
  std::size_t convolutions;
  std::size_t copies;
  std::size_t graphs;
};

/// Counts a step of `Net` as the trainer makes it, and checks that it multiplies as the cost model says, waits for
/// nothing, allocates nothing and copies one record to the host.
///
/// @param local_rate  0: the prefix is frozen
template <class Net, class Backend>
std::vector<step_counts> count_steps(const Backend& wanted, const std::vector<std::size_t>& boundaries,
                                     double local_rate) {
  using counted = lo::check::counting<Backend>;
  const counted backend(wanted);
  lo::model<Net, counted> model{{}, backend};
  lo::gradient_descent descent{model, lo::optimizer::sgd{.momentum = 0.9}};
  lo::step_pipeline<decltype(model), lo::supervision::loss_gain> log(model, descent);
  log.start();
  constexpr std::size_t batch = 8;
  model.prepare({.batch = batch});
  const std::vector<float> x(batch * Net::input.size(), 0.5F);
  const std::vector<std::uint32_t> labels(batch, 1);
  auto run_step = backend.make_step_runner();
  const auto step = [&](std::size_t boundary) {
    run_step(boundary, batch, [&] {
      log.open({});
      model.forward(x, batch, {.boundary = boundary, .local_rate = local_rate, .gains_are_set = true});
      model.compute_loss_async(lo::loss::softmax_cross_entropy{}, labels);
      log.close_forward(batch);
      model.backward();
      descent.step(0.1);
      log.close_step({}, descent);
    });
  };
  // The optimizer's state, the algorithms of convolutions and the pinned memory of uploads come with the first steps.
  for (std::size_t i = 0; i < 9; ++i) step(0);
  std::vector<step_counts> found;
  for (const std::size_t boundary : boundaries) {
    step(boundary);
    const standin::counts before = standin::seen();
    backend.counts() = {};
    step(boundary);
    const standin::counts& after = standin::seen();
    CAPTURE(boundary);
    CHECK(after.multiply_adds - before.multiply_adds == backend.counts().total());
    CHECK(after.synchronizations == before.synchronizations);
    CHECK(after.allocations == before.allocations);
    CHECK(after.downloads - before.downloads == 1);
    found.push_back({after.launches - before.launches, after.products - before.products,
                     after.convolutions - before.convolutions, after.copies - before.copies,
                     after.graphs - before.graphs});
    const step_counts& last = found.back();
    MESSAGE(lo::text("boundary ", boundary, local_rate > 0 ? "" : ", frozen", ": ", last.launches, " launches, ",
                     last.products, " products, ", last.convolutions, " convolutions, ", last.copies,
                     " copies on the device, ", last.graphs, " graphs"));
  }
  return found;
}

}  // namespace localis_test
