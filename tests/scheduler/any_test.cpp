#include <concepts>
#include <cstddef>
#include <utility>

#include "support/promises.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/core/error.hpp>
#include <localis/data/synthetic.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/tanh.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/oja.hpp>
#include <localis/scheduler/any.hpp>
#include <localis/scheduler/dynamic.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/scheduler/freeze_out.hpp>
#include <localis/scheduler/interleaved.hpp>
#include <localis/scheduler/linear.hpp>
#include <localis/scheduler/part_batch.hpp>
#include <localis/supervision/none.hpp>
#include <localis/train/trainer.hpp>

namespace lo = localis;
using lo::scheduler::any;

namespace {

constexpr lo::schedule_limits limits{.stages = 6, .highest = 5, .epochs = 8, .steps_per_epoch = 7};

/// Every answer is that of the scheduler itself.
template <class Scheduler>
void check_same(Scheduler plain) {
  any held(plain);
  lo::scheduler::start(plain, limits);
  held.start(limits);
  for (std::size_t epoch = 0; epoch < limits.epochs; ++epoch) {
    CHECK(held.differentiated(epoch) == lo::scheduler::differentiated(plain, epoch));
    CHECK(held.lowest_boundary(epoch) == lo::scheduler::lowest_boundary(plain, epoch));
    CHECK(held.highest_boundary(epoch) == lo::scheduler::highest_boundary(plain, epoch, limits.highest));
    for (std::size_t step = 0; step < limits.steps_per_epoch; ++step) {
      CHECK(held.boundary(epoch, step) == plain.boundary(epoch, step));
      CHECK(held.base_boundary(epoch, step) == lo::scheduler::base_boundary(plain, epoch, step));
      for (std::size_t stage = 0; stage < limits.stages; ++stage) {
        CHECK(held.gradient_scale(epoch, step, stage) == lo::scheduler::gradient_scale(plain, epoch, step, stage));
      }
    }
    const lo::epoch_observation seen{.epoch = epoch,
                                     .boundary = lo::scheduler::base_boundary(plain, epoch, 0),
                                     .update_norm = 1.0 / static_cast<double>(epoch + 1),
                                     .loss = 1};
    lo::scheduler::observe(plain, seen);
    held.observe(seen);
  }
}

/// Goes one stage further after each epoch, and says nothing else.
struct counting {
  std::size_t epochs = 0;
  [[nodiscard]] std::size_t boundary(std::size_t, std::size_t) const { return epochs; }
  void observe(const lo::epoch_observation&) { ++epochs; }
};

}  // namespace

TEST_CASE("scheduler::any: answers as the scheduler that it holds") {
  check_same(lo::scheduler::fixed{.stage = 3});
  check_same(lo::scheduler::linear{.begin = 1, .end = 5});
  check_same(lo::scheduler::dynamic{.alpha = 1.2, .shift = 2});
  check_same(lo::scheduler::freeze_out{});
  check_same(lo::scheduler::interleaved{lo::scheduler::linear{}, 2, 0.5});
  check_same(lo::scheduler::part_batch{lo::scheduler::linear{}, 0.5});
  check_same(counting{});
}

TEST_CASE("scheduler::any: keeps what its scheduler promises about its boundaries") {
  CHECK(localis_test::check_promises(any(lo::scheduler::linear{})) == 5);
}

TEST_CASE("scheduler::any: holds a function of (epoch), or of (epoch, step)") {
  const any of_epoch([](std::size_t epoch) { return epoch / 2; });
  CHECK(of_epoch.boundary(5, 3) == 2);
  const any of_step([](std::size_t epoch, std::size_t step) { return epoch + step; });
  CHECK(of_step.boundary(5, 3) == 8);
  const any wrong([](std::size_t) { return -1.0; });
  CHECK_THROWS_AS((void)wrong.boundary(0, 0), lo::config_error);
}

TEST_CASE("scheduler::any: a copy has a state of its own, and an assigned one another type") {
  any first(counting{});
  first.start(limits);
  first.observe({});
  any copy = first;
  first.observe({});
  CHECK(first.boundary(0, 0) == 2);
  CHECK(copy.boundary(0, 0) == 1);
  CHECK(copy.highest_boundary(0) == limits.highest);

  copy = any(lo::scheduler::fixed{.stage = 4});
  CHECK(copy.boundary(0, 0) == 4);
  copy = first;
  CHECK(copy.boundary(0, 0) == 2);
  const any moved = std::move(copy);
  CHECK(moved.boundary(0, 0) == 2);
  copy = moved;  // assigned to after it was moved from
  CHECK(copy.boundary(0, 0) == 2);
  static_assert(!std::convertible_to<lo::scheduler::fixed, any>);
}

TEST_CASE("scheduler::any: errors are those of the scheduler") {
  any beyond(lo::scheduler::fixed{.stage = 6});
  CHECK_THROWS_WITH_AS(beyond.start(limits),
                       "scheduler::fixed.stage: expected at most 5, the highest boundary of this network (6 stages), "
                       "found 6",
                       lo::config_error);
}

TEST_CASE("scheduler::any: a run is the same as with the scheduler's own type") {
  using oja = lo::rule::oja;
  using net = lo::network<lo::image<4, 4, 1>, lo::dense<6, oja>, lo::tanh, lo::dense<5, oja>, lo::tanh, lo::dense<3>>;
  using model = lo::model<net, lo::reference::backend<double>>;
  const auto data = lo::data::synthetic_images(24, 4, 4, 1, 3, 1);
  const auto run = [&](const auto& scheduler) {
    model trained{{.seed = 1}};
    lo::trainer trainer(trained, scheduler, lo::supervision::none{},
                        lo::train_options{.epochs = 4, .batch = 8, .local_rate = 0.01});
    return trainer.fit(data);
  };
  const lo::report plain = run(lo::scheduler::linear{});
  const lo::report held = run(any(lo::scheduler::linear{}));
  CHECK(plain.boundaries() == held.boundaries());
  CHECK(plain.boundaries().back() == 2);
  CHECK(plain.memory.peak == held.memory.peak);
  for (std::size_t e = 0; e < plain.epochs.size(); ++e) CHECK(plain.epochs[e].loss == held.epochs[e].loss);
}
