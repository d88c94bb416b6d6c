#pragma once

#include <cstddef>
#include <vector>

#include "standin.hpp"
#include "training_step.hpp"
#include <doctest/doctest.h>

#include <localis/check/counting.hpp>
#include <localis/core/error.hpp>

namespace localis_test {

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
  training_step<Net, counted> step(backend, 8, local_rate);
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
