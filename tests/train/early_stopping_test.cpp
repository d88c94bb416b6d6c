#include <cstddef>
#include <vector>

#include "support/ranges.hpp"
#include "support/small_runs.hpp"
#include <doctest/doctest.h>

#include <localis/core/error.hpp>
#include <localis/learning_rate/constant.hpp>
#include <localis/model/evaluate.hpp>
#include <localis/optimizer/sgd.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/supervision/none.hpp>
#include <localis/train/early_stopping.hpp>
#include <localis/train/stored_run.hpp>
#include <localis/train/trainer.hpp>

namespace lo = localis;
using localis_test::not_a_number;
using localis_test::small_runs::model;
using localis_test::small_runs::parameters;
using localis_test::small_runs::pictures;

namespace {

struct ended {
  std::size_t epochs;
  lo::ending end;
  std::vector<double> weights;
  std::vector<std::vector<double>> by_epoch;
};

/// A run whose epochs have these values.
ended run(const std::vector<double>& values, lo::early_stopping_options options) {
  model m;
  lo::trainer t(m, lo::scheduler::fixed{0}, lo::supervision::none{}, {.epochs = values.size(), .batch = 6});
  ended result{};
  t.on_epoch([&](const lo::epoch_record&) { result.by_epoch.push_back(parameters(m)); });
  options.value = [&](const lo::epoch_record& e) { return values[e.epoch]; };
  t.on_epoch(lo::early_stopping{t, options});
  const lo::report& report = t.fit(pictures(12));
  result.epochs = report.epochs.size();
  result.end = report.end;
  result.weights = parameters(m);
  return result;
}

}  // namespace

TEST_CASE("early_stopping: stops after epochs without progress, with the weights of the best one") {
  const ended stopped = run({3, 2, 2.5, 1, 1.5, 1.2, 1, 0.5}, {.patience = 3});
  CHECK(stopped.epochs == 7);
  CHECK(stopped.end == lo::ending::stopped);
  CHECK(stopped.weights == stopped.by_epoch[3]);
  CHECK(stopped.weights != stopped.by_epoch[6]);

  const ended kept = run({3, 2, 2.5, 1, 1.5, 1.2, 1, 0.5}, {.patience = 3, .restore_best = false});
  CHECK(kept.epochs == 7);
  CHECK(kept.weights == kept.by_epoch[6]);
}

TEST_CASE("early_stopping: a run that reaches its last epoch ends with the best weights, too") {
  const ended finished = run({3, 1, 2}, {.patience = 3});
  CHECK(finished.epochs == 3);
  CHECK(finished.end == lo::ending::finished);
  CHECK(finished.weights == finished.by_epoch[1]);
  const ended best_last = run({3, 1, 0.5}, {.patience = 3});
  CHECK(best_last.weights == best_last.by_epoch[2]);
}

TEST_CASE("early_stopping: small changes and NaN are no progress") {
  CHECK(run({1, 0.95, 0.92, 0.8, 0.5}, {.patience = 2, .least_change = 0.1}).epochs == 3);
  CHECK(run({1, 0.8, 0.65, 0.5, 0.3}, {.patience = 1, .least_change = 0.1}).epochs == 5);
  const ended from_nan = run({not_a_number, 4, not_a_number, not_a_number}, {.patience = 2});
  CHECK(from_nan.epochs == 4);
  CHECK(from_nan.weights == from_nan.by_epoch[1]);
}

TEST_CASE("early_stopping: watches the validation loss or, without validation, the training loss") {
  model m;
  lo::trainer t(m, lo::scheduler::fixed{0}, lo::supervision::none{}, {.epochs = 30, .batch = 6}, lo::optimizer::sgd{},
                lo::learning_rate::constant{0.2});
  t.on_epoch(lo::early_stopping{t, {.patience = 2}});
  const lo::report& report = t.fit(pictures(12), pictures(6, 12));
  std::size_t best = 0;
  std::size_t end = 30;
  for (std::size_t e = 1; e < report.epochs.size(); ++e) {
    if (report.epochs[e].validation_loss < report.epochs[best].validation_loss) best = e;
    if (e - best >= 2 && end == 30) end = e + 1;
  }
  CHECK(report.epochs.size() == end);
  CHECK(end < 30);
  CHECK(lo::evaluate(m, pictures(6, 12)).loss == doctest::Approx(report.epochs[best].validation_loss));
}

TEST_CASE("early_stopping: a resumed run continues to count") {
  const std::vector<double> values{1, 2, 3, 4, 5, 6};
  const auto stop = [&](auto& trainer) {
    trainer.on_epoch(lo::early_stopping{
        trainer, {.patience = 3, .value = [&](const lo::epoch_record& e) { return values[e.epoch]; }}});
  };
  model first;
  lo::trainer before(first, lo::scheduler::fixed{0}, lo::supervision::none{}, {.epochs = 2, .batch = 6});
  stop(before);
  (void)before.fit(pictures(12));
  model second;
  lo::trainer after(second, lo::scheduler::fixed{0}, lo::supervision::none{}, {.epochs = 6, .batch = 6});
  stop(after);
  lo::restore(after, lo::store(before));
  CHECK(after.fit(pictures(12)).epochs.size() == 4);
}

TEST_CASE("early_stopping: its options have ranges") {
  model m;
  lo::trainer t(m, lo::scheduler::fixed{0}, lo::supervision::none{}, {.epochs = 1});
  CHECK_THROWS_WITH_AS((lo::early_stopping{t, {.patience = 0}}),
                       "early_stopping: patience: expected at least 1, found 0", lo::config_error);
  CHECK_THROWS_WITH_AS((lo::early_stopping{t, {.least_change = -1}}),
                       "early_stopping: least_change: expected a finite number >= 0, found -1", lo::config_error);
}
