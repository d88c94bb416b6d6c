#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "support/message.hpp"
#include "support/ranges.hpp"
#include "support/small_runs.hpp"
#include <doctest/doctest.h>

#include <localis/core/error.hpp>
#include <localis/data/dataset.hpp>
#include <localis/learning_rate/constant.hpp>
#include <localis/optimizer/averaged.hpp>
#include <localis/optimizer/sgd.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/scheduler/freeze_out.hpp>
#include <localis/scheduler/interleaved.hpp>
#include <localis/scheduler/linear.hpp>
#include <localis/scheduler/part_batch.hpp>
#include <localis/supervision/none.hpp>
#include <localis/train/stored_run.hpp>
#include <localis/train/trainer.hpp>

namespace lo = localis;
namespace data = localis::data;
using lo::supervision::none;
using localis_test::message;
using localis_test::not_a_number;
using localis_test::small_runs::classes;
using localis_test::small_runs::features;
using localis_test::small_runs::four;
using localis_test::small_runs::model;
using localis_test::small_runs::parameters;
using localis_test::small_runs::pictures;
using localis_test::small_runs::single;
using localis_test::small_runs::tiny;

namespace {

using values = std::vector<double>;

}  // namespace

TEST_CASE("trainer: a rate that cannot be used is an error of its own, before the step that it is for") {
  const auto x = features();
  const data::arrays train(four, x, classes, 3);
  for (const double bad : {not_a_number, 1e39, -0.1}) {
    CAPTURE(bad);
    single<tiny> m;
    lo::trainer t(m, lo::scheduler::fixed{0}, none{}, {.epochs = 3, .batch = 4}, {},
                  [bad](double epoch, double) { return epoch < 1.5 ? 0.01 : bad; });
    CHECK(message<lo::config_error>([&] { (void)t.fit(train); }) ==
          lo::text("trainer: learning rate of epoch 1, step 2: expected a number from 0 to 3.40282e+38, found ", bad));
    CHECK(t.report().epochs[1].steps == 2);
    for (const double w : parameters(m)) CHECK(std::isfinite(w));
    CHECK_NOTHROW((void)t.state());
  }
}

TEST_CASE("trainer: interleaved steps reach the prefix, at a rate of their own") {
  const auto train = pictures(40);  // 5 steps an epoch
  const auto run = [&](double scale, std::vector<std::size_t>& moved, lo::report& report) {
    model m;
    lo::trainer t(m, lo::scheduler::interleaved{lo::scheduler::fixed{1}, 3, scale}, none{},
                  {.epochs = 3, .batch = 8, .local_rate = 0}, lo::optimizer::sgd{.momentum = 0});
    values first_change;
    values before = parameters(m, 0);
    std::size_t step = 0;
    t.on_step([&](const lo::step_event& e) {
      CHECK(e.boundary == ((step + 1) % 3 == 0 ? 0 : 1));
      const values now = parameters(m, 0);
      if (now != before) {
        moved.push_back(step);
        if (first_change.empty()) {
          for (std::size_t i = 0; i < now.size(); ++i) first_change.push_back(now[i] - before[i]);
        }
      }
      before = now;
      ++step;
    });
    report = t.fit(train);
    return first_change;
  };
  std::vector<std::size_t> moved;
  std::vector<std::size_t> same;
  std::vector<std::size_t> never;
  lo::report report;
  const values single = run(1, moved, report);
  const values triple = run(3, same, report);
  CHECK(run(0, never, report).empty());
  CHECK(moved == std::vector<std::size_t>{2, 5, 8, 11, 14});
  CHECK(same == moved);
  CHECK(never.empty());
  REQUIRE(single.size() == triple.size());
  double worst = 0;
  double largest = 0;
  for (std::size_t i = 0; i < single.size(); ++i) {
    worst = std::max(worst, std::abs(triple[i] - 3 * single[i]));
    largest = std::max(largest, std::abs(single[i]));
  }
  CHECK(worst < 1e-14);
  CHECK(largest > 1e-6);
  // The record speaks of the base boundary; what the prefix saved, of the steps as they were.
  const double prefix = model::work_fractions()[0];
  CHECK(report.boundaries() == std::vector<std::size_t>{1, 1, 1});
  CHECK(report.epochs[0].prefix_fraction == doctest::Approx(prefix * 4 / 5));
  CHECK(report.epochs[1].prefix_fraction == doctest::Approx(prefix * 3 / 5));
}

TEST_CASE("trainer: freeze_out anneals each stage to its end and freezes it there") {
  const auto train = pictures(40);  // 5 steps an epoch, 20 in all: ends after 10 and 15
  model m;
  lo::trainer t(m, lo::scheduler::freeze_out{.t0 = 0.5, .spacing = lo::scheduler::freeze_out::power::linear}, none{},
                {.epochs = 4, .batch = 8, .local_rate = 0}, lo::optimizer::sgd{.momentum = 0},
                lo::learning_rate::constant{0.02});
  std::string boundaries;
  std::size_t frozen[3] = {};
  values before[] = {parameters(m, 0), parameters(m, 1), parameters(m, 2)};
  t.on_step([&](const lo::step_event& e) {
    boundaries += lo::text(e.boundary);
    for (std::size_t stage = 0; stage < 3; ++stage) {
      const values now = parameters(m, stage);
      if (now == before[stage]) ++frozen[stage];
      before[stage] = now;
    }
  });
  CHECK(t.fit(train).boundaries() == std::vector<std::size_t>{0, 0, 1, 2});
  CHECK(boundaries == "00000000001111122222");
  CHECK(frozen[0] == 10);
  CHECK(frozen[1] == 5);
  CHECK(frozen[2] == 0);
}

TEST_CASE("part_samples: a fraction of the batch, rounded, and at least one sample") {
  CHECK(lo::detail::part_samples(0, 8) == 0);
  CHECK(lo::detail::part_samples(0.25, 8) == 2);
  CHECK(lo::detail::part_samples(0.25, 6) == 2);
  CHECK(lo::detail::part_samples(0.25, 5) == 1);
  CHECK(lo::detail::part_samples(0.1, 3) == 1);
  CHECK(lo::detail::part_samples(1, 5) == 5);
  CHECK(lo::detail::part_samples(0.5, 0) == 0);
}

TEST_CASE("trainer: part_batch takes the steps of a loop written by hand") {
  const auto train = pictures(42);  // 5 batches of 8 samples and one of 2
  model trained{{.seed = 4}};
  // The stages that the boundary passes keep their momentum, and do not take over averages.
  const lo::optimizer::averaged optimizer{lo::optimizer::sgd{.momentum = 0.9}, 0.9};
  lo::trainer t(trained, lo::scheduler::part_batch{lo::scheduler::linear{.end = 1, .first = 1, .last = 2}, 0.25},
                none{}, {.epochs = 2, .batch = 8, .local_rate = 0, .seed = 9}, optimizer,
                lo::learning_rate::constant{0.05});
  std::vector<std::size_t> boundaries;
  t.on_step([&](const lo::step_event& e) { boundaries.push_back(e.boundary); });
  const lo::report& report = t.fit(train);
  CHECK(boundaries == std::vector<std::size_t>{1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2});
  CHECK(report.boundaries() == std::vector<std::size_t>{1, 2});
  for (const double norm : report.epochs[1].stage_update_norms) CHECK(norm > 0);

  model m{{.seed = 4}};
  const values before = parameters(m, 0);
  m.prepare({.batch = 8, .local_learning = false, .part_samples = 2});
  lo::gradient_descent descent(m, optimizer);
  data::loader<double, data::images> batches(train, 8, 9);
  for (std::size_t epoch = 0; epoch < 2; ++epoch) {
    for (std::size_t step = 0; step < 6; ++step) {
      const auto batch = batches.get(epoch, step);
      m.forward(batch.features, batch.size,
                {.boundary = epoch + 1, .step = epoch * 6 + step, .part_samples = step < 5 ? 2U : 1U});
      m.loss(lo::loss::softmax_cross_entropy{}, batch.labels);
      m.backward();
      descent.step(0.05);
    }
  }
  CHECK(parameters(trained) == parameters(m));
  CHECK(parameters(m, 0) != before);
}

TEST_CASE("trainer: part_batch of the largest losses takes the steps of a loop written by hand") {
  const auto train = pictures(40);
  model trained{{.seed = 4}};
  lo::trainer t(trained, lo::scheduler::part_batch{lo::scheduler::fixed{2}, 0.25, true}, none{},
                {.epochs = 2, .batch = 8, .local_rate = 0, .seed = 9}, lo::optimizer::sgd{.momentum = 0.9},
                lo::learning_rate::constant{0.05});
  (void)t.fit(train);

  model m{{.seed = 4}};
  m.prepare({.batch = 8, .local_learning = false, .part_samples = 2});
  lo::gradient_descent descent(m, lo::optimizer::sgd{.momentum = 0.9});
  data::loader<double, data::images> batches(train, 8, 9);
  std::size_t moved = 0;
  for (std::size_t epoch = 0; epoch < 2; ++epoch) {
    for (std::size_t step = 0; step < 5; ++step) {
      const auto batch = batches.get(epoch, step);
      const std::size_t size = batch.features.size() / batch.size;
      std::vector<std::size_t> order;
      std::vector<double> losses;
      for (std::size_t n = 0; n < batch.size; ++n) {
        order.push_back(n);
        losses.push_back(m.evaluate(lo::loss::softmax_cross_entropy{}, batch.features.subspan(n * size, size),
                                    batch.labels.subspan(n, 1))
                             .loss);
      }
      for (std::size_t place = 0; place < 2; ++place) {
        const auto largest = std::max_element(order.begin() + static_cast<std::ptrdiff_t>(place), order.end(),
                                              [&](std::size_t a, std::size_t b) { return losses[a] < losses[b]; });
        std::rotate(order.begin() + static_cast<std::ptrdiff_t>(place), largest, largest + 1);
      }
      if (order[0] != 0) ++moved;
      values x;
      std::vector<std::uint32_t> wanted;
      for (const std::size_t n : order) {
        const auto row = batch.features.subspan(n * size, size);
        x.insert(x.end(), row.begin(), row.end());
        wanted.push_back(batch.labels[n]);
      }
      m.forward(x, batch.size, {.boundary = 2, .step = epoch * 5 + step, .part_samples = 2});
      m.loss(lo::loss::softmax_cross_entropy{}, wanted);
      m.backward();
      descent.step(0.05);
    }
  }
  CHECK(parameters(trained) == parameters(m));
  CHECK(moved > 3);
}

TEST_CASE("trainer: a stored run with part_batch goes on as the unbroken one") {
  const auto train = pictures(40);
  const auto train_on = [&](model& m, std::vector<lo::stored_run<double>>& stored) {
    lo::trainer t(m, lo::scheduler::part_batch{lo::scheduler::linear{.end = 1, .first = 1, .last = 2}, 0.25, true},
                  none{}, {.epochs = 3, .batch = 8, .local_rate = 0}, lo::optimizer::sgd{.momentum = 0.9},
                  lo::learning_rate::constant{0.05});
    if (!stored.empty()) lo::restore(t, stored[0]);
    t.on_pause(0, [&] { stored.push_back(lo::store(t)); });
    (void)t.fit(train);
    return parameters(m);
  };
  std::vector<lo::stored_run<double>> stored;
  model unbroken{{.seed = 4}};
  const values expected = train_on(unbroken, stored);
  model resumed{{.seed = 4}};
  CHECK(train_on(resumed, stored) == expected);
  CHECK(stored.size() == 5);  // after three epochs, and after two
}

TEST_CASE("trainer: part_batch of the whole batch is gradient descent, of less it takes less memory") {
  const auto train = pictures(40);
  const auto run = [&](const auto& scheduler, values& weights) {
    model m{{.seed = 4}};
    lo::trainer t(m, scheduler, none{}, {.epochs = 2, .batch = 8, .local_rate = 0});
    const std::size_t arena = t.fit(train).memory.arena;
    weights = parameters(m);
    return arena;
  };
  values plain;
  values whole;
  values half;
  const std::size_t of_plain = run(lo::scheduler::fixed{0}, plain);
  CHECK(run(lo::scheduler::part_batch{lo::scheduler::fixed{2}, 1.0}, whole) == of_plain);
  CHECK(whole == plain);
  CHECK(run(lo::scheduler::part_batch{lo::scheduler::fixed{2}, 0.5}, half) < of_plain);
  CHECK(half != plain);
}

TEST_CASE("trainer: part_batch needs no local rules, and accepts none") {
  const auto x = features();
  const data::arrays train(four, x, classes, 3);
  single<tiny> m;
  const values before = parameters(m, 0);
  lo::trainer t(m, lo::scheduler::part_batch{lo::scheduler::fixed{1}, 0.5}, none{},
                {.epochs = 2, .batch = 4, .local_rate = 0});
  CHECK(t.fit(train).boundaries() == std::vector<std::size_t>{1, 1});
  CHECK(parameters(m, 0) != before);

  lo::trainer local(m, lo::scheduler::part_batch{lo::scheduler::fixed{1}, 0.5}, none{},
                    {.batch = 4, .local_rate = 0.1});
  CHECK(message<lo::config_error>([&] { (void)local.fit(train); }) ==
        "trainer: local_rate: expected 0, since scheduler::part_batch lets the stages before the boundary learn by "
        "gradient, found 0.1");
  lo::trainer mixed(m, lo::scheduler::part_batch{lo::scheduler::fixed{1}, 0.5}, none{},
                    {.batch = 4, .local_rate = 0, .normalization = lo::prefix_normalization::batch});
  CHECK(message<lo::config_error>([&] { (void)mixed.fit(train); }) ==
        "model::prepare: normalization: expected running or frozen with part_samples, since no pass sees the whole "
        "batch, found batch");
  model rules;
  lo::trainer diagnosed(rules, lo::scheduler::part_batch{lo::scheduler::fixed{2}, 0.5}, none{},
                        {.batch = 8, .local_rate = 0});
  diagnosed.diagnose({0});
  CHECK(message<lo::config_error>([&] { (void)diagnosed.fit(pictures(40)); }) ==
        "trainer::diagnose: expected a scheduler other than part_batch, found that one");
}
