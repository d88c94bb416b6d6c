#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/message.hpp"
#include "support/ranges.hpp"
#include "support/small_runs.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/core/error.hpp>
#include <localis/data/dataset.hpp>
#include <localis/data/loader.hpp>
#include <localis/io/csv_log.hpp>
#include <localis/io/json_lines_log.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/relu.hpp>
#include <localis/learning_rate/constant.hpp>
#include <localis/loss/binary_cross_entropy.hpp>
#include <localis/loss/huber.hpp>
#include <localis/loss/mean_squared_error.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/evaluate.hpp>
#include <localis/model/metrics.hpp>
#include <localis/optimizer/sgd.hpp>
#include <localis/rule/error_feedback.hpp>
#include <localis/rule/oja.hpp>
#include <localis/scheduler/autofreeze.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/scheduler/replay.hpp>
#include <localis/supervision/none.hpp>
#include <localis/train/trainer.hpp>

namespace lo = localis;
namespace data = localis::data;
using lo::rule::oja;
using lo::supervision::none;
using localis_test::message;
using localis_test::not_a_number;
using localis_test::small_runs::classes;
using localis_test::small_runs::darkened;
using localis_test::small_runs::features;
using localis_test::small_runs::four;
using localis_test::small_runs::hebbian;
using localis_test::small_runs::model;
using localis_test::small_runs::parameters;
using localis_test::small_runs::pictures;
using localis_test::small_runs::single;
using localis_test::small_runs::tiny;

namespace {

using values = std::vector<double>;

/// Two schedules are of one type, so that one trainer is compiled for both.
using schedule = std::function<std::size_t(std::size_t)>;

/// A gain that is easy to follow: 1, 1.5, 2, ... with each loss seen.
struct counting_gain {
  struct state {
    double losses = 0;
  };
  constexpr void observe(state& seen, double) const { seen.losses += 1; }
  [[nodiscard]] constexpr double gain(const state& seen) const { return 1 + seen.losses / 2; }
};

/// Grows in time, so that a mean over steps differs from its ends.
struct rising_rate {
  double operator()(double epoch, double epochs) const { return 0.02 + 0.03 * epoch / epochs; }
};

}  // namespace

TEST_CASE("trainer: pictures are learned, by gradient alone and with a boundary that moves") {
  const auto train = pictures(120);
  const auto fresh = pictures(60, 1000);
  for (const std::size_t step : {0U, 1U}) {
    model m;
    m.layer<6>().rate = 0.1;
    lo::trainer t(m, schedule([step](std::size_t epoch) { return step * (epoch / 2); }), none{},
                  {.epochs = 6, .batch = 16, .local_rate = 1e-4});
    const lo::report& report = t.fit(train, fresh);
    CAPTURE(step);
    CHECK(report.boundaries() == std::vector<std::size_t>{0, 0, step, step, 2 * step, 2 * step});
    CHECK(report.epochs.back().loss < 0.6 * report.epochs.front().loss);
    CHECK(report.epochs.back().validation_accuracy > 0.9);
    CHECK(report.end == lo::ending::finished);
    CHECK(report.message.empty());
    CHECK((report.prefix_fraction > 0) == (step > 0));
  }
}

TEST_CASE("trainer: the steps and numbers of a loop written by hand") {
  const auto train = pictures(50);
  constexpr std::size_t epochs = 3;
  constexpr std::size_t steps = 4;  // 16, 16, 16 and 2 samples
  const auto boundary_of = [](std::size_t epoch, std::size_t step) -> std::size_t {
    return epoch == 0 ? 0 : epoch == 1 ? 1 + step / 2 : 99;  // clamped to 2
  };

  model trained{{.seed = 4}};
  lo::trainer t(trained, boundary_of, counting_gain{}, {.epochs = epochs, .batch = 16, .local_rate = 1e-3, .seed = 9},
                lo::optimizer::sgd{.momentum = 0}, rising_rate{});
  const lo::report& report = t.fit(train);
  REQUIRE(report.epochs.size() == epochs);

  model m{{.seed = 4}};
  m.prepare({.batch = 16});
  lo::gradient_descent descent(m, lo::optimizer::sgd{.momentum = 0});
  data::loader<double, data::images> batches(train, 16, 9);
  const auto fractions = model::work_fractions();
  double total_prefix = 0;
  for (std::size_t epoch = 0; epoch < epochs; ++epoch) {
    double loss = 0;
    double correct = 0;
    double rates = 0;
    double gains = 0;
    double norms = 0;
    double prefix = 0;
    for (std::size_t step = 0; step < steps; ++step) {
      const std::size_t done = epoch * steps + step;
      const auto batch = batches.get(epoch, step);
      const std::size_t boundary = std::min<std::size_t>(boundary_of(epoch, step), 2);
      const double gain = 1 + static_cast<double>(done) / 2;
      const double rate = 0.02 + 0.03 * static_cast<double>(done) / (steps * epochs);
      const auto output =
          m.forward(batch.features, batch.size, {.boundary = boundary, .local_rate = 1e-3, .gain = gain, .step = done});
      for (std::size_t n = 0; n < batch.size; ++n) {
        const auto row = output.subspan(3 * n, 3);
        correct += std::max_element(row.begin(), row.end()) - row.begin() == batch.labels[n] ? 1 : 0;
      }
      loss += static_cast<double>(batch.size) * m.loss(lo::loss::softmax_cross_entropy{}, batch.labels);
      m.backward();
      double squares = 0;
      m.for_each_gradient([&](const lo::operation& op, const auto& p, const double* g) {
        if (op.stage != boundary || std::string(p.name) != "weight") return;
        for (std::size_t i = 0; i < p.size(); ++i) squares += g[i] * g[i];
      });
      norms += std::sqrt(squares);
      descent.step(rate);
      rates += rate;
      gains += gain;
      for (std::size_t stage = 0; stage < boundary; ++stage) prefix += fractions[stage];
    }
    const lo::epoch_record& record = report.epochs[epoch];
    CAPTURE(epoch);
    CHECK(record.epoch == epoch);
    CHECK(record.boundary == (epoch == 0 ? 0 : 2));
    CHECK(record.steps == steps);
    CHECK(record.samples == 50);
    CHECK(record.loss == doctest::Approx(loss / 50));
    CHECK(record.accuracy == doctest::Approx(correct / 50));
    CHECK(record.learning_rate == doctest::Approx(rates / steps));
    CHECK(record.gain == doctest::Approx(gains / steps));
    CHECK(record.update_norm == doctest::Approx(norms / steps));
    CHECK(record.prefix_fraction == doctest::Approx(prefix / steps));
    CHECK(std::isnan(record.validation_loss));
    CHECK(std::isnan(record.validation_accuracy));
    total_prefix += prefix;
  }
  CHECK(report.prefix_fraction == doctest::Approx(total_prefix / (steps * epochs)));
  CHECK(parameters(trained) == parameters(m));
}

TEST_CASE("trainer: callbacks come in order and tell how far the run is") {
  const auto train = pictures(20);
  model m;
  lo::trainer t(m, schedule([](std::size_t epoch) { return epoch; }), none{}, {.epochs = 2, .batch = 8});
  std::string order;
  std::vector<std::size_t> samples;
  double seconds = 0;
  bool consistent = true;
  t.on_step([&](const lo::step_event& e) {
    order += lo::text(e.epoch, '/', e.epochs, ' ', e.step, '/', e.steps, " T", e.boundary, ' ');
    samples.push_back(e.samples);
    consistent = consistent && e.seconds >= seconds && e.gain == 1 && e.learning_rate > 0 && std::isfinite(e.loss);
    seconds = e.seconds;
  });
  t.on_epoch([&](const lo::epoch_record& e) { order += lo::text("end ", e.epoch, ' '); });
  const lo::report& report = t.fit(train);
  CHECK(order == "0/2 0/3 T0 0/2 1/3 T0 0/2 2/3 T0 end 0 1/2 0/3 T1 1/2 1/3 T1 1/2 2/3 T1 end 1 ");
  CHECK(samples == std::vector<std::size_t>{8, 16, 20, 28, 36, 40});
  CHECK(consistent);
  CHECK(report.seconds == doctest::Approx(report.epochs[0].seconds + report.epochs[1].seconds));
  CHECK(report.processor_seconds() == report.epochs[0].processor_seconds + report.epochs[1].processor_seconds);
  CHECK(report.processor_seconds() >= 0);
}

TEST_CASE("trainer: a stop ends the run after the step under way, and keeps what was done") {
  const auto train = pictures(40);
  const auto validation = pictures(10, 500);
  model m;
  lo::trainer t(m, schedule([](std::size_t) { return 0; }), none{}, {.epochs = 5, .batch = 8});
  std::size_t epochs_told = 0;
  t.on_epoch([&](const lo::epoch_record&) { ++epochs_told; });
  t.on_step([&](const lo::step_event& e) {
    if (e.epoch == 1 && e.step == 2) t.request_stop();
  });
  const lo::report& report = t.fit(train, validation);
  CHECK(report.end == lo::ending::stopped);
  REQUIRE(report.epochs.size() == 2);
  CHECK(report.epochs[0].steps == 5);
  CHECK(report.epochs[0].validation_accuracy >= 0);
  CHECK(report.epochs[1].steps == 3);
  CHECK(report.epochs[1].samples == 24);
  CHECK(report.epochs[1].loss > 0);
  CHECK(std::isnan(report.epochs[1].validation_accuracy));
  CHECK(epochs_told == 2);

  // From the callback of an epoch, in a second run of the same trainer: the first stop is forgotten.
  t.on_step({});
  t.on_epoch([&](const lo::epoch_record&) { t.request_stop(); });
  CHECK(t.fit(train).epochs.size() == 1);
  CHECK(t.report().epochs[0].steps == 5);
  CHECK(t.report().end == lo::ending::stopped);
}

TEST_CASE("trainer: a callback that throws ends the run, and report() holds what was done") {
  model m;
  lo::trainer t(m, schedule([](std::size_t) { return 1; }), none{}, {.epochs = 3, .batch = 16});
  const auto train = pictures(40);
  t.on_epoch(lo::io::csv_log("/dev/full"));
  const std::string full = "/dev/full: cannot be written: No space left on device";
  CHECK(message<lo::data_error>([&] { (void)t.fit(train); }) == full);
  CHECK(t.report().end == lo::ending::unfinished);
  CHECK(t.report().message == full);
  REQUIRE(t.report().epochs.size() == 1);
  CHECK(t.report().epochs[0].steps == 3);
  CHECK(t.report().memory.peak > 0);
  t.on_step(lo::io::json_lines_log<lo::step_event>("/dev/full"));
  CHECK(message<lo::data_error>([&] { (void)t.fit(train); }) == full);
  CHECK(t.report().epochs[0].steps == 1);
  // The next run is one like any other.
  t.on_step({});
  t.on_epoch({});
  CHECK(t.fit(train).end == lo::ending::finished);
  CHECK(t.report().epochs.size() == 3);
  CHECK(t.report().message.empty());
}

TEST_CASE("trainer: a second fit goes on from the first, with a report of its own") {
  const auto train = pictures(60);
  model m;
  lo::trainer t(m, lo::scheduler::fixed{1}, counting_gain{}, {.epochs = 3, .batch = 16, .local_rate = 1e-4});
  const lo::report first = t.fit(train);
  const lo::report second = t.fit(train);
  CHECK(second.epochs.size() == 3);
  CHECK(second.epochs[0].epoch == 0);
  CHECK(second.epochs[0].loss < first.epochs[0].loss);
  CHECK(second.epochs[0].gain == first.epochs[0].gain);  // what supervision saw is of one run
  CHECK(second.end == lo::ending::finished);
}

TEST_CASE("trainer: a frozen prefix keeps its weights, a learning one does not") {
  const auto train = pictures(40);
  for (const double rate : {0.0, 1e-3}) {
    model m;
    const values before[] = {parameters(m, 0), parameters(m, 1), parameters(m, 2)};
    lo::trainer t(m, lo::scheduler::fixed{2}, none{}, {.epochs = 2, .batch = 8, .local_rate = rate});
    (void)t.fit(train);
    CAPTURE(rate);
    CHECK((parameters(m, 0) == before[0]) == (rate == 0));
    CHECK((parameters(m, 1) == before[1]) == (rate == 0));
    CHECK(parameters(m, 2) != before[2]);
    // 36 weights, then bias, gamma and beta: these rest in any prefix
    const values after = parameters(m, 0);
    CHECK(std::equal(after.begin() + 36, after.end(), before[0].begin() + 36, before[0].end()));
  }
}

TEST_CASE("trainer: a replay takes the same steps") {
  const auto train = pictures(40);
  const lo::train_options options{.epochs = 3, .batch = 8};
  model first;
  lo::trainer original(first, schedule([](std::size_t epoch) { return epoch; }), none{}, options);
  const lo::report report = original.fit(train);
  model second;
  lo::trainer again(second, lo::scheduler::replay{report.boundaries()}, none{}, options);
  CHECK(again.fit(train).boundaries() == std::vector<std::size_t>{0, 1, 2});
  CHECK(parameters(first) == parameters(second));
}

TEST_CASE("trainer: a learning rate too large is a divergence that says where") {
  const auto train = pictures(40);
  model m;
  lo::trainer t(m, lo::scheduler::fixed{0}, none{}, {.epochs = 3, .batch = 8}, {},
                [](double epoch, double) { return epoch < 1.5 ? 0.01 : 1e200; });
  std::size_t stage = 99;
  std::size_t epoch = 99;
  std::size_t step = 99;
  std::string text;
  try {
    (void)t.fit(train);
  } catch (const lo::divergence_error& error) {
    stage = error.stage;
    epoch = error.epoch;
    step = error.step;
    text = error.what();
  }
  CHECK(stage <= 2);
  CHECK(epoch == 1);
  CHECK(step >= 3);  // 1.5 epochs are 7.5 steps
  const lo::report& report = t.report();
  CHECK(report.end == lo::ending::diverged);
  CHECK(report.message == text);
  CHECK(report.epochs.size() == 2);
  CHECK(report.epochs[0].steps == 5);
  CHECK(report.epochs[0].loss > 0);
  CHECK(report.epochs[1].steps == step);
  CHECK(std::isnan(report.epochs[1].validation_loss));
  CHECK(report.memory.peak > 0);
}

namespace {

/// Keeps what it is told, and gives stages rates of their own in the last step of epoch 1.
struct recorder {
  std::size_t at = 0;
  std::vector<double> factors{1, 1, 1};
  std::vector<lo::epoch_observation> seen{};

  void start(const lo::schedule_limits&) { seen.clear(); }
  void observe(const lo::epoch_observation& what) { seen.push_back(what); }
  [[nodiscard]] std::size_t boundary(std::size_t, std::size_t) const { return at; }
  [[nodiscard]] double gradient_scale(std::size_t epoch, std::size_t step, std::size_t stage) const {
    return epoch == 1 && step == 1 ? factors[stage] : 1;
  }
};

}  // namespace

TEST_CASE("trainer: gradient rates by stage, and update norms that do not depend on them") {
  const auto train = pictures(32);
  model trained{{.seed = 4}};
  lo::trainer t(trained, recorder{.factors = {0, 3, 0.5}}, none{}, {.epochs = 2, .batch = 16, .seed = 9},
                lo::optimizer::sgd{.momentum = 0}, lo::learning_rate::constant{0.02});
  const lo::report& report = t.fit(train);

  model m{{.seed = 4}};
  m.prepare({.batch = 16});
  lo::gradient_descent descent(m, lo::optimizer::sgd{.momentum = 0});
  data::loader<double, data::images> batches(train, 16, 9);
  for (std::size_t epoch = 0; epoch < 2; ++epoch) {
    double norms[3] = {};
    for (std::size_t step = 0; step < 2; ++step) {
      const auto batch = batches.get(epoch, step);
      (void)m.forward(batch.features, batch.size, {.step = 2 * epoch + step});
      (void)m.loss(lo::loss::softmax_cross_entropy{}, batch.labels);
      m.backward();
      const bool last = epoch == 1 && step == 1;
      double squares[3] = {};
      m.for_each_gradient([&](const lo::operation& op, const auto& p, const double* g) {
        if (std::string(p.name) != "weight") return;
        for (std::size_t i = 0; i < p.size(); ++i) squares[op.stage] += g[i] * g[i];
      });
      norms[0] += last ? norms[0] : std::sqrt(squares[0]);  // a rate of 0 is no step: the mean is that of the other
      norms[1] += std::sqrt(squares[1]);
      norms[2] += std::sqrt(squares[2]);
      descent.step(0.02, last ? std::array{0.0, 3.0, 0.5} : std::array{1.0, 1.0, 1.0});
    }
    const lo::epoch_record& record = report.epochs[epoch];
    CAPTURE(epoch);
    REQUIRE(record.stage_update_norms.size() == 3);
    for (std::size_t stage = 0; stage < 3; ++stage) {
      CHECK(record.stage_update_norms[stage] == doctest::Approx(norms[stage] / 2));
    }
    CHECK(record.update_norm == record.stage_update_norms[0]);
    CHECK(record.learning_rate == doctest::Approx(0.02));
  }
  CHECK(parameters(trained) == parameters(m));

  lo::trainer bad(trained, recorder{.factors = {1, -1, 1}}, none{}, {.epochs = 2, .batch = 16});
  CHECK(message<lo::config_error>([&] { (void)bad.fit(train); }) ==
        "gradient_descent::step: factor of stage 1: expected a finite number of at least 0, found -1");
}

TEST_CASE("trainer: the scheduler observes the epoch's record") {
  const auto train = pictures(32);
  model m;
  lo::trainer t(m, recorder{.at = 1, .factors = {1, 2, 1}}, none{}, {.epochs = 2, .batch = 16, .local_rate = 0});
  const lo::report& report = t.fit(train, pictures(10, 500));
  const auto& seen = t.scheduler().seen;
  REQUIRE(seen.size() == 2);
  for (std::size_t epoch = 0; epoch < 2; ++epoch) {
    const lo::epoch_record& record = report.epochs[epoch];
    CHECK(seen[epoch].epoch == epoch);
    CHECK(seen[epoch].boundary == 1);
    CHECK(seen[epoch].loss == record.loss);
    CHECK(seen[epoch].validation_loss == record.validation_loss);
    CHECK(seen[epoch].validation_accuracy == record.validation_accuracy);
    CHECK(seen[epoch].update_norm == record.update_norm);
    REQUIRE(seen[epoch].stage_update_norms.size() == 3);
    CHECK(std::isnan(seen[epoch].stage_update_norms[0]));
    CHECK(seen[epoch].stage_update_norms[1] == record.update_norm);
    CHECK(seen[epoch].stage_update_norms[2] > 0);
  }
}

TEST_CASE("trainer: autofreeze moves by the norms that the report shows") {
  const auto train = pictures(40);
  model m;
  const lo::scheduler::autofreeze test{.percentile = 100};
  lo::trainer t(m, test, none{}, {.epochs = 4, .batch = 8, .local_rate = 0});
  const lo::report& report = t.fit(train);
  lo::scheduler::autofreeze again = test;
  again.start({.stages = 3, .highest = 2, .epochs = 4, .steps_per_epoch = 5});
  for (const lo::epoch_record& record : report.epochs) {
    CHECK(record.boundary == again.boundary(0, 0));
    lo::epoch_observation what;
    what.stage_update_norms = record.stage_update_norms;
    again.observe(what);
  }
  CHECK(again.boundary(0, 0) > 0);  // 100: all but the stage that changed most, unless that is the first
}

namespace {

using guarded = lo::network<lo::vector_input<4>, lo::dense<4>, lo::dense<3>>;

}  // namespace

TEST_CASE("trainer: rows of targets instead of classes") {
  const auto x = features();
  std::vector<float> targets;  // a linear function of the features
  for (std::size_t n = 0; n < 12; ++n) {
    for (std::size_t k = 0; k < 3; ++k) targets.push_back(0.5F * x[4 * n + k] - 0.25F * x[4 * n + k + 1]);
  }
  const data::arrays train(four, std::span<const float>(x), std::span<const float>(targets), 3);
  single<guarded> m;
  lo::trainer t(m, lo::scheduler::fixed{0}, none{}, {.epochs = 100, .batch = 4}, {}, lo::learning_rate::constant{0.01},
                lo::loss::mean_squared_error{});
  const lo::report& report = t.fit(train, train);
  CHECK(report.epochs.back().validation_loss < 0.01 * report.epochs.front().loss);
  CHECK(std::isnan(report.epochs.back().accuracy));
  CHECK(std::isnan(report.epochs.back().validation_accuracy));
  CHECK(std::isnan(lo::evaluate(m, train, lo::loss::mean_squared_error{}).accuracy));

  const data::arrays pairs(four, std::span<const float>(x), std::span<const float>(targets).first(24), 2);
  CHECK(message<lo::shape_error>([&] { (void)t.fit(pairs); }) ==
        "trainer: training data: target length: expected the network's 3 outputs, found 2");
}

TEST_CASE("trainer: cross entropy takes rows of targets that are distributions, and no others") {
  const auto x = features();
  std::vector<float> soft;
  std::vector<float> hard;
  for (std::size_t n = 0; n < 12; ++n) {
    for (std::size_t k = 0; k < 3; ++k) {
      hard.push_back(k == classes[n] ? 1.0F : 0.0F);
      soft.push_back(k == classes[n] ? 0.8F : 0.1F);
    }
  }
  const auto fit = [&](const std::vector<float>& targets) {
    single<guarded> m;
    lo::trainer t(m, lo::scheduler::fixed{0}, none{}, {.epochs = 20, .batch = 4, .check_all_targets = true});
    const data::arrays train(four, std::span<const float>(x), std::span<const float>(targets), 3);
    t.fit(train, train);
    return t.report().epochs.back().validation_loss;
  };
  single<guarded> by_label;
  lo::trainer labelled(by_label, lo::scheduler::fixed{0}, none{}, {.epochs = 20, .batch = 4});
  const data::arrays with_labels(four, x, classes, 3);
  labelled.fit(with_labels, with_labels);
  CHECK(fit(hard) == doctest::Approx(labelled.report().epochs.back().validation_loss).epsilon(1e-5));
  CHECK(fit(soft) > -0.8 * std::log(0.8) - 0.2 * std::log(0.1));  // the entropy of the targets

  std::vector<float> regression(36, 0.25F);
  CHECK(
      message<lo::data_error>([&] { (void)fit(regression); }) ==
      "model::loss: target row 0 of the batch: expected a distribution: numbers >= 0 that add up to 1, found 0.25 0.25 "
      "0.25; another loss takes other targets");
  for (const auto& [first, second] : {std::pair{-0.5F, 1.25F}, {static_cast<float>(not_a_number), 0.75F}}) {
    std::vector<float> one = hard;
    one[0] = first;
    one[1] = second;
    one[2] = 0.25F;
    CHECK(message<lo::data_error>([&] { (void)fit(one); }).find("expected a distribution") != std::string::npos);
  }
}

TEST_CASE("trainer: of the rows of targets, the first batch of a run is checked, or every batch") {
  const auto x = features();
  const std::vector<float> good(36, 0.5F);
  std::vector<float> targets = good;
  const auto fault = [&](bool all) {
    single<guarded> m;
    lo::trainer t(m, lo::scheduler::fixed{0}, none{}, {.epochs = 1, .batch = 4, .check_all_targets = all}, {}, {},
                  lo::loss::binary_cross_entropy{});
    const data::arrays train(four, std::span<const float>(x), std::span<const float>(targets), 3);
    t.fit(data::arrays(four, std::span<const float>(x), std::span<const float>(good), 3));  // an earlier run
    return message<lo::data_error>([&] { t.fit(train); });
  };
  CHECK(fault(true) == "nothing");
  std::size_t early = 0;
  for (std::size_t n = 0; n < 12; ++n) {
    targets[3 * n + 1] = 1.5F;
    const std::string all = fault(true);
    CHECK(all.find(" of the batch: expected numbers from 0 to 1, found 0.5 1.5 0.5; another loss") !=
          std::string::npos);
    const std::string first = fault(false);
    if (first != "nothing") {
      CHECK(first == all);
      ++early;
    }
    targets[3 * n + 1] = 0.5F;
  }
  CHECK(early == 4);
}

TEST_CASE("trainer: rows of targets are checked again where a stored run goes on") {
  const auto x = features();
  const std::vector<float> targets(36, -0.5F);
  const data::arrays train(four, std::span<const float>(x), std::span<const float>(targets), 3);
  single<guarded> m;
  lo::trainer t(m, lo::scheduler::fixed{0}, none{}, {.epochs = 2, .batch = 4}, {}, {}, lo::loss::mean_squared_error{});
  t.on_pause(1, [&] { t.request_stop(); });
  t.fit(train);
  lo::trainer other(m, lo::scheduler::fixed{0}, none{}, {.epochs = 2, .batch = 4}, {}, {},
                    lo::loss::binary_cross_entropy{});
  other.restore(t.state());
  CHECK(message<lo::data_error>([&] { other.fit(train); }).find("expected numbers from 0 to 1") != std::string::npos);
}

TEST_CASE("trainer: samples without a label learn by rules alone") {
  const auto x = features();
  std::vector<std::uint32_t> marked = classes;
  for (std::size_t n = 4; n < 12; ++n) marked[n] = data::unlabelled;
  const data::arrays some(four, x, marked, 3);
  const data::arrays all(four, x, classes, 3);
  const std::vector<float> first(x.begin(), x.begin() + 16);
  const data::arrays known(four, first, std::span(classes).first(4), 3);
  const auto fit = [&](auto& m, const data::arrays& train, std::size_t boundary, std::size_t batch) {
    lo::trainer t(m, lo::scheduler::fixed{boundary}, none{}, {.epochs = 1, .batch = batch, .local_rate = 1e-3});
    return t.fit(train, train);
  };
  // One batch: the gradient is that of the mean over its labelled samples.
  single<tiny> a;
  single<tiny> b;
  const lo::report seen = fit(a, some, 0, 12);
  const lo::report expected = fit(b, known, 0, 4);
  const values weights = parameters(a);
  const values others = parameters(b);
  for (std::size_t i = 0; i < weights.size(); ++i) CHECK(weights[i] == doctest::Approx(others[i]).epsilon(1e-5));
  CHECK(seen.epochs[0].loss == doctest::Approx(expected.epochs[0].loss).epsilon(1e-5));
  CHECK(seen.epochs[0].accuracy == expected.epochs[0].accuracy);
  CHECK(seen.epochs[0].validation_accuracy == expected.epochs[0].validation_accuracy);
  CHECK(seen.epochs[0].samples == 12);
  // The stage that learns by a rule sees all of them.
  single<hebbian> c;
  single<hebbian> d;
  (void)fit(c, some, 1, 12);
  (void)fit(d, all, 1, 12);
  CHECK(parameters(c, 0) == parameters(d, 0));
  CHECK(parameters(c, 1) != parameters(d, 1));
}

namespace {

/// Rows of targets, of which only the first 4 are known from the third epoch on.
struct lost_targets {
  data::arrays all;
  [[nodiscard]] std::size_t size() const { return all.size(); }
  [[nodiscard]] std::size_t height() const { return all.height(); }
  [[nodiscard]] std::size_t width() const { return all.width(); }
  [[nodiscard]] std::size_t channels() const { return all.channels(); }
  [[nodiscard]] std::size_t classes() const { return 0; }
  [[nodiscard]] std::size_t targets() const { return all.targets(); }
  std::uint32_t read(std::size_t index, std::span<float> to) const { return all.read(index, to); }
  std::uint32_t read(std::size_t index, std::size_t epoch, std::span<float> to) const {
    (void)all.read(index, to);
    return epoch < 2 || index < 4 ? 0 : data::unlabelled;
  }
  void read_target(std::size_t index, std::span<float> to) const { all.read_target(index, to); }
};

}  // namespace

TEST_CASE("trainer: samples without a target take no part in what a supervised rule learns") {
  using network =
      lo::network<lo::vector_input<4>, lo::dense<4, lo::no_bias, lo::rule::error_feedback>, lo::relu, lo::dense<3>>;
  const auto x = features();
  std::vector<float> targets(36);
  for (std::size_t i = 0; i < targets.size(); ++i) targets[i] = static_cast<float>(i % 5);
  // All behind the stage is linear, so that its local step is that of the gradient.
  const auto weights = [](const auto& train, std::size_t first_local, const lo::train_options& options, double rate) {
    lo::model<network, lo::reference::backend<double>> m;
    m.layer<0>().rule().ridge = 1e-13;
    lo::trainer t(m, schedule([=](std::size_t epoch) { return epoch < first_local ? 0 : 1; }), none{}, options,
                  lo::optimizer::sgd{.momentum = 0}, lo::learning_rate::constant{rate}, lo::loss::mean_squared_error{});
    (void)t.fit(train);
    return parameters(m, 0);
  };
  const lost_targets some{data::arrays(four, x, targets, 3)};
  const data::arrays known(four, std::span(x).first(16), std::span(targets).first(12), 3);
  const values found = weights(some, 2, {.epochs = 3, .batch = 12, .local_rate = 0.1}, 0);
  const values expected = weights(known, 1, {.epochs = 1, .batch = 4}, 0.1);
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == doctest::Approx(expected[i]).epsilon(1e-9));
}

namespace {

/// Counts the losses that it sees.
struct counting_supervision {
  using state = double;
  constexpr void observe(state& seen, double) const { seen += 1; }
  [[nodiscard]] constexpr double gain(const state& seen) const { return 1 + seen; }
};
/// The same, on the host.
struct counting_on_host : counting_supervision {
  std::vector<double> unused{};
};

}  // namespace

TEST_CASE("trainer: a step without any label has no loss, no gradient, and shows supervision nothing") {
  const auto x = features();
  const std::vector<std::uint32_t> marked(12, data::unlabelled);
  const data::arrays train(four, x, marked, 3);
  const auto check = [&](const auto& supervision) {
    single<hebbian> m;
    const values before = parameters(m, 1);
    const values rule_before = parameters(m, 0);
    lo::trainer t(m, lo::scheduler::fixed{1}, supervision, {.epochs = 2, .batch = 4, .local_rate = 1e-3},
                  lo::optimizer::sgd{.weight_decay = 0});
    std::size_t steps = 0;
    t.on_step([&](const lo::step_event& step) {
      CHECK(std::isnan(step.loss));
      ++steps;
    });
    const lo::report& report = t.fit(train);
    CHECK(steps == 6);
    CHECK(report.end == lo::ending::finished);
    CHECK(std::isnan(report.epochs[1].loss));
    CHECK(std::isnan(report.epochs[1].accuracy));
    CHECK(report.epochs[1].gain == 1);
    CHECK(parameters(m, 1) == before);
    CHECK(parameters(m, 0) != rule_before);
  };
  check(counting_supervision{});
  check(counting_on_host{});
}

namespace {

template <std::size_t Outputs>
using two_layers = lo::model<lo::network<lo::image<8, 8, 1>, lo::dense<6, oja>, lo::relu, lo::dense<Outputs>>,
                             lo::reference::backend<double>>;

}  // namespace

TEST_CASE("trainer: outputs beyond the classes of the data take no part") {
  const auto train = pictures(40);
  const auto fresh = pictures(30, 1000);
  two_layers<3> narrow;
  two_layers<5> wide;
  wide.for_each_parameter([](const lo::operation& op, const auto& p) {
    if (op.stage == 1 && p.size() == 5) p.value[3] = p.value[4] = 100;  // would win every time
  });
  const auto outer = [&] {
    const values last = parameters(wide, 1);
    values rows(last.begin() + 3 * 6, last.begin() + 5 * 6);
    rows.insert(rows.end(), last.end() - 2, last.end());
    return rows;
  };
  const values before = outer();
  std::vector<float> pixels(fresh.size() * 64);
  for (std::size_t n = 0; n < fresh.size(); ++n) (void)fresh.read(n, std::span<float>(pixels).subspan(64 * n, 64));
  const auto run = [&](auto& m) {
    lo::trainer t(m, schedule([](std::size_t epoch) { return epoch; }), none{},
                  {.epochs = 2, .batch = 8, .local_rate = 1e-4}, lo::optimizer::sgd{.weight_decay = 0});
    lo::report report = t.fit(train, fresh);
    // Data without labels is predicted among the classes of the training data.
    const std::vector<float> targets(fresh.size() * std::remove_reference_t<decltype(m)>::outputs);
    const data::arrays unlabelled({8, 8, 1}, std::span<const float>(pixels), std::span<const float>(targets),
                                  std::remove_reference_t<decltype(m)>::outputs);
    CHECK(lo::predict(m, fresh) == lo::predict(m, unlabelled, train.classes()));
    return std::pair(std::move(report), lo::predict(m, fresh));
  };
  const auto [expected, labels] = run(narrow);
  const auto [seen, same_labels] = run(wide);
  CHECK(same_labels == labels);
  CHECK(outer() == before);
  CHECK(parameters(wide, 0) == parameters(narrow, 0));
  for (std::size_t epoch = 0; epoch < 2; ++epoch) {
    CHECK(seen.epochs[epoch].loss == expected.epochs[epoch].loss);
    CHECK(seen.epochs[epoch].accuracy == expected.epochs[epoch].accuracy);
    CHECK(seen.epochs[epoch].validation_loss == expected.epochs[epoch].validation_loss);
    CHECK(seen.epochs[epoch].validation_accuracy == expected.epochs[epoch].validation_accuracy);
  }
}

TEST_CASE("trainer: metrics of the validation, after each epoch, which change nothing else") {
  const auto train = pictures(60);
  const auto fresh = pictures(20, 1000);
  const auto fit = [&](bool measured) {
    model m;
    lo::trainer t(m, schedule([](std::size_t) { return 1; }), none{}, {.epochs = 2, .batch = 16, .local_rate = 1e-4});
    if (measured) {
      t.measure("top_2", lo::metric::top_k<2>{});
      t.measure("first", [](std::span<const double> output, const auto&) { return output[0]; });
      CHECK(message<lo::config_error>([&] { t.measure("first", lo::metric::top_k<2>{}); }) ==
            "trainer::measure: metric 2: expected a function, and a name of its own, found \"first\" twice");
    }
    const lo::report report = t.fit(train, fresh);
    if (measured) {
      const std::vector<lo::named_metric<double>> again{{"top_2", lo::metric::top_k<2>{}}};
      const auto last = lo::evaluate(m, fresh, lo::loss::softmax_cross_entropy{}, again).metrics;
      REQUIRE(report.epochs[1].validation_metrics.size() == 2);
      CHECK(report.epochs[1].validation_metrics[0] == last[0]);
      CHECK(report.epochs[0].validation_metrics[1].first == "first");
      CHECK(report.epochs[0].validation_metrics[1].second != report.epochs[1].validation_metrics[1].second);
    }
    return report;
  };
  const lo::report with = fit(true);
  const lo::report without = fit(false);
  CHECK(without.epochs[1].validation_metrics.empty());
  CHECK(without.epochs[1].validation_loss == with.epochs[1].validation_loss);
}

TEST_CASE("trainer: bad options") {
  model m;
  const auto with = [&](const lo::train_options& options) {
    return message<lo::config_error>([&] { (void)lo::trainer(m, lo::scheduler::fixed{0}, none{}, options); });
  };
  CHECK(with({.epochs = 0}) == "trainer: epochs: expected at least 1, found 0");
  CHECK(with({.batch = 0}) == "trainer: batch: expected at least 1, found 0");
  CHECK(with({.local_rate = -1}) == "trainer: local_rate: expected a finite number >= 0, found -1");
  CHECK(with({.local_rate = not_a_number}) == "trainer: local_rate: expected a finite number >= 0, found nan");
  const auto rate = [&](double value) {
    return message<lo::config_error>(
        [&] { (void)lo::trainer(m, lo::scheduler::fixed{0}, none{}, {}, {}, lo::learning_rate::constant{value}); });
  };
  CHECK(rate(-0.5) == "learning_rate::constant.rate: expected a finite number of at least 0, found -0.5");
  CHECK(rate(not_a_number) == "learning_rate::constant.rate: expected a finite number of at least 0, found nan");
  CHECK(message<lo::config_error>([&] {
          (void)lo::trainer(m, lo::scheduler::fixed{0}, none{}, {}, {}, {}, lo::loss::huber{-1});
        }) == "huber: delta: expected a finite number > 0, found -1");
  m.layer<6>().rate = 2;
  CHECK(with({}) == "dropout: rate: expected a number in [0, 1), found 2");
}

TEST_CASE("trainer: validation sees augmented data as it is") {
  const auto x = features();
  const data::arrays real(four, x, classes, 3);
  single<hebbian> m;
  lo::trainer t(m, lo::scheduler::fixed{0}, none{}, {.epochs = 1, .batch = 5});
  const darkened augmented{{real}};
  (void)t.fit(real);
  const auto& trained = t.fit(augmented, augmented);
  CHECK(trained.epochs[0].loss != trained.epochs[0].validation_loss);
}
