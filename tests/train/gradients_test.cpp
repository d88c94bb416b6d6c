// Gradients in hand: callbacks between backward pass and step, and steps that take the gradients of several batches.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "support/small_runs.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/core/error.hpp>
#include <localis/data/dataset.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/tanh.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/supervision/none.hpp>
#include <localis/train/gradients.hpp>
#include <localis/train/stored_run.hpp>
#include <localis/train/trainer.hpp>

namespace lo = localis;
namespace data = localis::data;
using lo::supervision::none;
using localis_test::small_runs::classes;
using localis_test::small_runs::features;
using localis_test::small_runs::four;
using localis_test::small_runs::parameters;

namespace {

using net =
    lo::network<lo::vector_input<4>, lo::dense<5, lo::rule::hebb>, lo::tanh, lo::dense<4>, lo::tanh, lo::dense<3>>;
using model = lo::model<net, lo::reference::backend<double>>;

double deviation(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

}  // namespace

TEST_CASE("trainer: a function sees the gradients of the stages that have some before each step, and may change them") {
  const auto x = features();
  const data::arrays train(four, x, classes, 3);
  const auto run = [&](double factor, double rate, std::size_t boundary) {
    model m;
    lo::trainer t(m, lo::scheduler::fixed{boundary}, none{}, {.epochs = 2, .batch = 5, .local_rate = 0},
                  lo::optimizer::sgd{.momentum = 0.5}, lo::learning_rate::constant{rate});
    std::string seen;
    if (factor != 1) {
      t.on_gradients([&](const lo::gradients_event<double>& event) {
        seen += lo::text(event.epoch, '.', event.step, ':', event.arrays.size(), ' ');
        for (const auto& [op, weights, gradient] : event.arrays) {
          CHECK(op->stage >= boundary);
          CHECK(gradient.size() == weights.size());
          for (double& g : gradient) g *= factor;
        }
      });
    }
    (void)t.fit(train);
    if (factor != 1)
      CHECK(seen == (boundary == 0 ? "0.0:6 0.1:6 0.2:6 1.0:6 1.1:6 1.2:6 " : "0.0:4 0.1:4 0.2:4 1.0:4 1.1:4 1.2:4 "));
    return parameters(m);
  };
  CHECK(run(0.5, 0.2, 0) == run(1, 0.1, 0));  // half the gradient at twice the rate, exactly
  CHECK(run(0.5, 0.2, 1) == run(1, 0.1, 1));
  CHECK(run(0.5, 0.1, 0) != run(1, 0.1, 0));
}

TEST_CASE("trainer: gradients of several batches make the step of one large batch") {
  const auto x = features();
  const data::arrays train(four, x, classes, 3);
  const auto run = [&](std::size_t batch, std::size_t batches) {
    model m;
    lo::trainer t(m, lo::scheduler::fixed{0}, none{}, {.epochs = 3, .batch = batch});
    t.accumulate_gradients(batches);
    std::size_t steps = 0;
    std::size_t samples = 0;
    t.on_gradients([&](const auto&) { ++steps; });
    t.on_step([&](const lo::step_event& event) { samples = event.samples; });
    const lo::report& report = t.fit(train);
    CHECK(steps == 3 * ((12 + batch * batches - 1) / (batch * batches)));
    CHECK(samples == 36);
    CHECK(report.epochs[0].steps == (12 + batch - 1) / batch);
    return parameters(m);
  };
  const std::vector<double> six = run(6, 1);
  CHECK(deviation(run(2, 3), six) < 1e-14);
  CHECK(deviation(run(1, 6), six) < 1e-14);
  CHECK(deviation(run(2, 2), six) > 1e-4);
  CHECK(deviation(run(5, 2), run(10, 1)) < 1e-14);  // the last batch is smaller: 5 and 5, then 2
}

TEST_CASE("trainer: pauses and stops wait for the step of accumulated gradients, and a run can be resumed there") {
  const auto x = features();
  const data::arrays train(four, x, classes, 3);
  const auto make = [&](model& m, std::size_t epochs) {
    return std::make_unique<lo::trainer<model, lo::scheduler::fixed, none>>(
        m, lo::scheduler::fixed{1}, none{}, lo::train_options{.epochs = epochs, .batch = 2, .local_rate = 1e-3});
  };
  model straight;
  const auto whole = make(straight, 2);
  whole->accumulate_gradients(4);  // of 6 batches: steps after the 4th and the 6th
  std::string pauses;
  whole->on_pause(1, [&] { pauses += lo::text(whole->state().epoch, '.', whole->state().step, ' '); });
  whole->on_pause(3, [&] { pauses += lo::text('(', whole->state().step, ") "); });
  (void)whole->fit(train);
  CHECK(pauses == "0.4 (4) 1.0 (0) 1.4 (4) 2.0 (0) ");

  model stopped;
  const auto first = make(stopped, 2);
  first->accumulate_gradients(4);
  first->on_step([&](const lo::step_event& event) {
    if (event.number() == 1) first->request_stop();
  });
  CHECK(first->fit(train).epochs.back().steps == 4);
  const auto stored = lo::store(*first);
  model continued;
  const auto second = make(continued, 2);
  second->accumulate_gradients(4);
  lo::restore(*second, stored);
  (void)second->fit(train);
  CHECK(parameters(continued) == parameters(straight));
}

TEST_CASE("trainer: gradients that an exception left accumulated take no part in the next run") {
  const auto x = features();
  const data::arrays train(four, x, classes, 3);
  model fresh;
  lo::trainer expected(fresh, lo::scheduler::fixed{0}, none{}, {.epochs = 1, .batch = 2}, lo::optimizer::plain{});
  expected.accumulate_gradients(3);
  (void)expected.fit(train);

  model m;
  lo::trainer t(m, lo::scheduler::fixed{0}, none{}, {.epochs = 1, .batch = 2}, lo::optimizer::plain{});
  t.accumulate_gradients(3);
  bool fails = true;
  t.on_step([&](const lo::step_event& event) {
    if (fails && event.step == 1) throw lo::data_error("no more");
  });
  CHECK_THROWS_AS(t.fit(train), lo::data_error);
  fails = false;
  (void)t.fit(train);
  CHECK(parameters(m) == parameters(fresh));
  CHECK_THROWS_WITH_AS(t.accumulate_gradients(0),
                       "trainer::accumulate_gradients: batches: expected at least 1, found 0", lo::config_error);
}
