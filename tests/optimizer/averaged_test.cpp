#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "support/optimizer_path.hpp"
#include "support/ranges.hpp"
#include "support/small_runs.hpp"
#include <doctest/doctest.h>

#include <localis/learning_rate/constant.hpp>
#include <localis/optimizer/averaged.hpp>
#include <localis/optimizer/lars.hpp>
#include <localis/optimizer/plain.hpp>
#include <localis/optimizer/sgd.hpp>
#include <localis/scheduler/interleaved.hpp>
#include <localis/scheduler/linear.hpp>
#include <localis/scheduler/replay.hpp>
#include <localis/supervision/none.hpp>
#include <localis/train/stored_run.hpp>
#include <localis/train/trainer.hpp>

namespace lo = localis;
using lo::optimizer::averaged;
using lo::optimizer::lars;
using lo::optimizer::plain;
using lo::optimizer::sgd;
using localis_test::check_range;
using localis_test::gradient_at;
using localis_test::not_a_number;
using localis_test::path;
using localis_test::rate_at;
using localis_test::small_runs::model;
using localis_test::small_runs::parameters;
using localis_test::small_runs::pictures;

namespace {

using values = std::vector<double>;

/// Trains with averages, and returns the weights of stage 0 after each step.
template <class Scheduler, class Optimizer>
std::vector<values> weights_by_step(const Scheduler& scheduler, const Optimizer& optimizer, std::size_t epochs) {
  model m{{.seed = 3}};
  lo::trainer t(m, scheduler, lo::supervision::none{}, {.epochs = epochs, .batch = 8, .local_rate = 0}, optimizer,
                lo::learning_rate::constant{0.02});
  std::vector<values> seen;
  t.on_pause(1, [&] { seen.push_back(parameters(m, 0)); });
  t.fit(pictures(24));
  return seen;
}

/// The exponential average of the first `count` weights.
values average(const std::vector<values>& weights, std::size_t count, double decay) {
  values result = weights[0];
  for (std::size_t step = 1; step < count; ++step) {
    for (std::size_t i = 0; i < result.size(); ++i) {
      result[i] = decay * result[i] + (1 - decay) * weights[step][i];
    }
  }
  return result;
}

void check_near(const values& found, const values& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == doctest::Approx(expected[i]).epsilon(1e-12));
}

}  // namespace

TEST_CASE("averaged: the steps are those of the base") {
  CHECK(path(averaged{sgd{.momentum = 0.8, .nesterov = true, .weight_decay = 0.1}, 0.7}) ==
        path(sgd{.momentum = 0.8, .nesterov = true, .weight_decay = 0.1}));
  CHECK(path(averaged{plain{}, 0.7}) == path(plain{}));
  static_assert(lo::optimizer::keeps_average<averaged<plain>> && !lo::optimizer::keeps_average<sgd>);
}

TEST_CASE("averaged: an optimizer that sees arrays still does") {
  static_assert(lo::optimizer::sees_arrays<averaged<lars>> && !lo::optimizer::sees_arrays<averaged<sgd>>);
  const lars base{.trust = 0.1, .weight_decay = 0.2};
  const auto step = averaged{base}.prepare<double>(1);
  std::array<double, 2> state{};
  CHECK(step.measure(2, 3, state) == 3);
  CHECK(step.array_rate(2, 3) == base.prepare<double>(1).array_rate(2, 3));
}

TEST_CASE("averaged: a stage that the boundary passes takes over the average of its weights") {
  constexpr double decay = 0.8;
  const averaged optimizer{sgd{.momentum = 0.5}, decay};
  // Three steps of an epoch; the boundary is 1 from the third epoch on.
  const lo::scheduler::replay moves{{0, 0, 1, 1}};
  const std::vector<values> plain_run = weights_by_step(moves, sgd{.momentum = 0.5}, 4);
  const std::vector<values> run = weights_by_step(moves, optimizer, 4);
  REQUIRE(run.size() == 12);
  for (std::size_t step = 0; step < 6; ++step) CHECK(run[step] == plain_run[step]);
  check_near(run[6], average(run, 6, decay));
  CHECK(run[6] != run[5]);
  CHECK(run[11] == run[6]);  // frozen
  CHECK(plain_run[11] == plain_run[5]);
}

TEST_CASE("averaged: with whole steps between, a stage takes its average over once, and learns on from there") {
  constexpr double decay = 0.8;
  // Steps 1, 3, 5 and 7 train all stages; the boundary is 1 from step 3 on.
  const auto moves = [](double rate_scale) {
    return lo::scheduler::interleaved{lo::scheduler::replay{{0, 1, 1}}, 2, rate_scale};
  };
  const std::vector<values> kept = weights_by_step(moves(0), averaged{sgd{.momentum = 0}, decay}, 3);
  REQUIRE(kept.size() == 9);
  check_near(kept[3], average(kept, 3, decay));
  const std::vector<values> run = weights_by_step(moves(1), averaged{sgd{.momentum = 0}, decay}, 3);
  CHECK(run[4] == run[3]);
  CHECK(run[5] != run[4]);
  CHECK(run[6] == run[5]);  // the epoch that begins here takes over nothing again
}

TEST_CASE("averaged: a run that goes on from a stored one takes the same steps") {
  const auto train = pictures(24);
  const lo::scheduler::replay moves{{0, 1, 1}};
  const auto fresh = [&](model& m) {
    return std::make_unique<lo::trainer<model, lo::scheduler::replay, lo::supervision::none, averaged<>>>(
        m, moves, lo::supervision::none{}, lo::train_options{.epochs = 3, .batch = 8}, averaged{sgd{}, 0.8});
  };
  model whole{{.seed = 3}};
  const auto first = fresh(whole);
  std::vector<lo::stored_run<double>> stored;
  first->on_pause(1, [&] { stored.push_back(lo::store(*first)); });
  first->fit(train);
  const values expected = parameters(whole);
  for (const auto& run : stored) {
    CAPTURE(run.state.epoch);
    CAPTURE(run.state.step);
    model other{{.seed = 3}};
    const auto second = fresh(other);
    lo::restore(*second, run);
    second->fit(train);
    CHECK(parameters(other) == expected);
  }
}

TEST_CASE("averaged: values out of range are named") {
  check_range("averaged: average_decay", "a number in [0, 1)", {1, -0.1, not_a_number}, {0, 0.99}, [](double v) {
    return averaged{sgd{}, v};
  });
  check_range("sgd: momentum", "a number in [0, 1)", {1}, {0}, [](double v) { return averaged{sgd{.momentum = v}}; });
}
