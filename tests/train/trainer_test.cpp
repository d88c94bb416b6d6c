#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/data/synthetic.hpp>
#include <localis/io/csv_log.hpp>
#include <localis/io/json_lines_log.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/dropout.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/relu.hpp>
#include <localis/loss/mean_squared_error.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/rule/oja.hpp>
#include <localis/scheduler/autofreeze.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/scheduler/freeze_out.hpp>
#include <localis/scheduler/interleaved.hpp>
#include <localis/scheduler/replay.hpp>
#include <localis/supervision/none.hpp>
#include <localis/supervision/per_stage.hpp>
#include <localis/train/trainer.hpp>

namespace lo = localis;
namespace data = localis::data;
using lo::rule::oja;

namespace {

using values = std::vector<double>;
using net = lo::network<lo::image<8, 8, 1>, lo::conv2d<4, 3, lo::padding<1>, oja>, lo::batch_norm, lo::relu,
                        lo::max_pool2d<2>, lo::dense<8, oja>, lo::relu, lo::dropout, lo::dense<3>>;
using model = lo::model<net, lo::reference::backend<double>>;
static_assert(net::stages == 3);

/// Two schedules are of one type, so that one trainer is compiled for both.
using schedule = std::function<std::size_t(std::size_t)>;
using lo::supervision::none;

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

data::images pictures(std::size_t count, std::size_t first = 0) {
  return data::synthetic_images(count, 8, 8, 1, 3, 11, 0.2, first);
}

template <class Model>
values parameters(const Model& m, std::size_t stage = Model::stages) {
  values all;
  m.for_each_parameter([&](const lo::operation& op, const auto& p) {
    if (p.trainable() && (stage == Model::stages || op.stage == stage))
      all.insert(all.end(), p.value, p.value + p.size());
  });
  return all;
}

template <class Error>
std::string message(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing";
}

/// A gain that is easy to follow: 1, 1.5, 2, ... with each loss seen.
struct counting_gain {
  struct state {
    double losses = 0;
  };
  constexpr void observe(state& seen, double) const { seen.losses += 1; }
  [[nodiscard]] constexpr double gain(const state& seen) const { return 1 + seen.losses / 2; }
};

struct not_finite : counting_gain {
  [[nodiscard]] constexpr double gain(const state&) const { return not_a_number; }
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

TEST_CASE("trainer: the prefix share of a boundary that stays, by hand") {
  const auto train = pictures(20);
  model m;
  lo::trainer t(m, lo::scheduler::fixed{2}, none{}, {.epochs = 2, .batch = 8});
  const lo::report& report = t.fit(train);
  // Multiply-adds of one sample: 64 positions x 4 x 9, 64 x 8, 8 x 3.
  const double prefix = (2304.0 + 512) / (2304 + 512 + 24);
  CHECK(report.prefix_fraction == doctest::Approx(prefix));
  CHECK(report.epochs[1].prefix_fraction == doctest::Approx(prefix));
  CHECK(report.epochs[1].boundary == 2);
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

using lo::rule::fail_on_negative_scale;
using lo::rule::hebb;
using tiny = lo::network<lo::vector_input<4>, lo::dense<4>, lo::relu, lo::dense<3>>;
using hebbian = lo::network<lo::vector_input<4>, lo::dense<4, hebb>, lo::relu, lo::dense<3>>;
using guarded = lo::network<lo::vector_input<4>, lo::dense<4>, lo::dense<3>>;
template <class Network>
using single = lo::model<Network, lo::reference::backend<float>>;

/// 12 samples of 4 features.
std::vector<float> features() {
  const lo::random_stream stream(3, 3);
  std::vector<float> result(48);
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = static_cast<float>(stream.normal(i));
  return result;
}
const std::vector<std::uint32_t> classes{0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2};
constexpr lo::shape four{1, 1, 4};

}  // namespace

TEST_CASE("trainer: a local rule that runs away names its own stage") {
  const auto x = features();
  const data::arrays train(four, x, classes, 3);
  single<hebbian> m;
  lo::trainer t(m, lo::scheduler::fixed{1}, none{}, {.epochs = 2, .batch = 4, .local_rate = 1e20});
  CHECK(message<lo::divergence_error>([&] { (void)t.fit(train); }) ==
        "training diverged: rule hebb made a weight that is not finite at stage 0, epoch 0, step 1");
  CHECK(t.report().end == lo::ending::diverged);
}

TEST_CASE("trainer: NaN in the input is told as that, however the run met it") {
  auto x = features();
  x[21] = std::numeric_limits<float>::quiet_NaN();
  const data::arrays train(four, x, classes, 3);
  std::size_t bad_step = 0;  // the one of 6 that meets sample 5
  data::loader<float, data::arrays> batches(train, 2, 1);
  for (std::size_t step = 0; step < 6; ++step) {
    for (const std::uint32_t index : batches.get(0, step).indices) bad_step = index == 5 ? step : bad_step;
  }
  single<hebbian> by_gradient;
  lo::trainer first(by_gradient, lo::scheduler::fixed{0}, none{}, {.epochs = 1, .batch = 2});
  const std::string expected = lo::text(
      "trainer: features of sample 5 of the training data: expected finite numbers, found NaN or infinity (epoch 0, "
      "step ",
      bad_step, ')');
  CHECK(message<lo::data_error>([&] { (void)first.fit(train); }) == expected);
  CHECK(first.report().end == lo::ending::diverged);
  CHECK(first.report().message == expected);
  single<hebbian> locally;
  lo::trainer second(locally, lo::scheduler::fixed{1}, none{}, {.epochs = 1, .batch = 2});
  CHECK(message<lo::data_error>([&] { (void)second.fit(train); }) == expected);

  auto targets = features();
  targets[13] = std::numeric_limits<float>::infinity();
  const data::arrays regression(four, std::span<const float>(targets).first(48), std::span<const float>(targets), 4);
  single<lo::network<lo::vector_input<4>, lo::dense<4>>> line;
  lo::trainer third(line, lo::scheduler::fixed{0}, none{}, {.epochs = 1, .batch = 12}, {},
                    lo::learning_rate::constant{}, lo::loss::mean_squared_error{});
  CHECK(message<lo::data_error>([&] { (void)third.fit(regression); }) ==
        "trainer: features of sample 3 of the training data: expected finite numbers, found NaN or infinity (epoch 0, "
        "step 0)");
  const auto x_good = features();
  const data::arrays bad_targets(four, std::span<const float>(x_good), std::span<const float>(targets), 4);
  single<lo::network<lo::vector_input<4>, lo::dense<4>>> fresh_line;
  lo::trainer fourth(fresh_line, lo::scheduler::fixed{0}, none{}, {.epochs = 1, .batch = 12}, {},
                     lo::learning_rate::constant{}, lo::loss::mean_squared_error{});
  CHECK(message<lo::data_error>([&] { (void)fourth.fit(bad_targets); }) ==
        "trainer: targets of sample 3 of the training data: expected finite numbers, found NaN or infinity (epoch 0, "
        "step 0)");
}

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

TEST_CASE("trainer: what was not finite before a run is told before it") {
  const auto x = features();
  const data::arrays train(four, x, classes, 3);
  single<tiny> m;
  lo::trainer t(m, lo::scheduler::fixed{0}, none{}, {.epochs = 1, .batch = 12}, {},
                [](double, double) { return 3e38; });
  auto large = features();
  for (float& value : large) value *= 1000;
  const data::arrays scaled(four, large, classes, 3);
  CHECK(message<lo::divergence_error>([&] { (void)t.fit(scaled); }) ==
        "training diverged: a weight is not finite at stage 0, epoch 0, step 0");
  const std::string expected =
      "training diverged: weight of operation 0 (dense) was not finite before this run at stage 0, epoch 0, step 0";
  CHECK(message<lo::divergence_error>([&] { (void)t.fit(train); }) == expected);
  CHECK(t.report().end == lo::ending::diverged);
  CHECK(t.report().message == expected);
  CHECK(t.report().epochs.empty());
  // The step that failed is still no place to store.
  CHECK(message<lo::config_error>([&] { (void)t.state(); }) ==
        "trainer::state: steps under way: expected none, as in on_pause() and after fit(), found 1");
  // With new weights it may be the optimizer that remembers.
  m.for_each_parameter([](const lo::operation&, const auto& p) { std::fill_n(p.value, p.size(), 0.1F); });
  std::vector<std::vector<float>> slots(4);
  slots[0].assign(16, static_cast<float>(not_a_number));
  t.descent().restore({1, 0, 0, 0}, slots);
  CHECK(message<lo::divergence_error>([&] { (void)t.fit(train); }) ==
        "training diverged: the optimizer's state for weight of operation 0 (dense) was not finite before this run at "
        "stage 0, epoch 0, step 0");
}

TEST_CASE("trainer: a weight that only the last step broke") {
  auto x = features();
  for (float& value : x) value *= 1000;
  const data::arrays train(four, x, classes, 3);
  single<tiny> m;
  lo::trainer t(m, lo::scheduler::fixed{0}, none{}, {.epochs = 1, .batch = 12}, {},
                [](double, double) { return 3e38; });
  CHECK(message<lo::divergence_error>([&] { (void)t.fit(train); }) ==
        "training diverged: a weight is not finite at stage 0, epoch 0, step 0");
}

TEST_CASE("trainer: the scale guard counts rows that turn around, or fails, and a new run starts anew") {
  using clipping = lo::network<lo::vector_input<4>, lo::dense<4, oja>, lo::dense<3>>;
  using failing =
      lo::network<lo::vector_input<4>, lo::dense<4, lo::rule::local<oja, fail_on_negative_scale>>, lo::dense<3>>;
  const auto x = features();
  const data::arrays train(four, x, classes, 3);
  single<clipping> cut;
  lo::trainer clips(cut, lo::scheduler::fixed{1}, none{}, {.epochs = 2, .batch = 12, .local_rate = 10});
  CHECK(clips.fit(train).epochs[0].clips > 0);
  const std::size_t first = clips.report().epochs[0].clips;
  CHECK(first <= 4);  // one step, 4 rows
  CHECK(clips.report().epochs[1].clips <= 4);

  single<failing> guarded_model;
  lo::trainer fails(guarded_model, lo::scheduler::fixed{1}, none{}, {.epochs = 2, .batch = 12, .local_rate = 10});
  CHECK(message<lo::divergence_error>([&] { (void)fails.fit(train); }) ==
        "training diverged: a step of rule oja would turn a weight row around (1 - eta c < 0) at stage 0, epoch 0, "
        "step 0");
  lo::trainer careful(guarded_model, lo::scheduler::fixed{1}, none{}, {.epochs = 2, .batch = 12, .local_rate = 1e-12});
  CHECK(careful.fit(train).end == lo::ending::finished);
  CHECK(careful.report().epochs[0].clips == 0);
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

TEST_CASE("trainer: interleaved steps show in the norms of their stages, not in that of the transition stage") {
  const auto train = pictures(8);
  model m;
  lo::trainer t(m, lo::scheduler::interleaved{lo::scheduler::fixed{1}, 2, 3.0}, none{},
                {.epochs = 4, .batch = 8, .local_rate = 0});
  const lo::report& report = t.fit(train);  // one step an epoch: every other epoch trains the whole network
  for (std::size_t epoch = 0; epoch < 4; ++epoch) {
    const lo::epoch_record& record = report.epochs[epoch];
    CAPTURE(epoch);
    CHECK(std::isnan(record.update_norm) == (epoch % 2 == 1));
    CHECK(std::isnan(record.stage_update_norms[0]) == (epoch % 2 == 0));
    CHECK(record.stage_update_norms[1] > 0);
    if (epoch % 2 == 0) CHECK(record.update_norm == record.stage_update_norms[1]);
  }
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

TEST_CASE("trainer: gains by stage reach their stages, and the record shows the base's") {
  const auto train = pictures(20);
  const auto run = [&](const auto& supervision, double local_rate) {
    model m;
    lo::trainer t(m, lo::scheduler::fixed{2}, supervision, {.epochs = 1, .batch = 20, .local_rate = local_rate});
    CHECK(t.fit(train).epochs[0].gain == 1);
    return std::array{parameters(m, 0), parameters(m, 1)};
  };
  using lo::supervision::per_stage;
  const auto one = run(none{}, 1e-3);
  const auto third = run(none{}, 3e-3);
  const auto frozen = run(none{}, 0);
  const auto mixed = run(per_stage<>{.factors = {3, 0}}, 1e-3);
  CHECK(one[0] != third[0]);
  REQUIRE(mixed[0].size() == third[0].size());
  for (std::size_t i = 0; i < mixed[0].size(); ++i) CHECK(mixed[0][i] == doctest::Approx(third[0][i]).epsilon(1e-12));
  CHECK(mixed[1] == frozen[1]);
  CHECK(run(per_stage<>{.factors = {1, 1}}, 1e-3) == one);

  model m;
  lo::trainer t(m, lo::scheduler::fixed{1}, per_stage<not_finite>{{}, {1, 2}}, {.epochs = 1, .batch = 20});
  CHECK(message<lo::config_error>([&] { (void)t.fit(train); }) ==
        "supervision: gain of stage 0: expected a finite number, found nan");
  CHECK(message<lo::config_error>([&] {
          lo::trainer(m, lo::scheduler::fixed{1}, per_stage<>{.factors = {-1}}, {.epochs = 1, .batch = 20});
        }) == "supervision::per_stage.factors[0]: expected a finite number of at least 0, found -1");
}

TEST_CASE("trainer: a modulator is asked before each step, and its values reach the local rules") {
  const auto x = features();
  const data::arrays train(four, x, classes, 3);
  using third_factor = std::function<void(const data::batch_view<float>&, std::span<double>)>;
  const auto run = [&](const third_factor& modulate, double rate) {
    single<hebbian> m;
    lo::trainer t(m, lo::scheduler::fixed{1}, none{}, {.epochs = 1, .batch = 5, .local_rate = rate});
    if (modulate) t.modulate(modulate);
    (void)t.fit(train);
    std::vector<float> weights;
    m.for_each_parameter([&](const lo::operation& op, const auto& p) {
      if (op.stage == 0) weights.insert(weights.end(), p.value, p.value + p.size());
    });
    return weights;
  };
  std::vector<std::size_t> sizes;
  bool preset = true;
  std::vector<std::uint32_t> samples;
  const auto untouched = run(
      [&](const data::batch_view<float>& batch, std::span<double> values) {
        sizes.push_back(values.size());
        for (const double value : values) preset = preset && value == 1;
        samples.insert(samples.end(), batch.indices.begin(), batch.indices.end());
      },
      1e-2);
  CHECK(sizes == std::vector<std::size_t>{5, 5, 2});
  CHECK(preset);
  std::sort(samples.begin(), samples.end());
  CHECK(samples == std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  CHECK(untouched == run({}, 1e-2));

  const auto all = [&preset](double value) {
    return [value, &preset](const data::batch_view<float>&, std::span<double> values) {
      for (const double before : values) preset = preset && before == 1;
      std::fill(values.begin(), values.end(), value);
    };
  };
  CHECK(run(all(0), 1e-2) == run({}, 0));
  const auto twice = run(all(2), 1e-2);
  const auto faster = run({}, 2e-2);  // hebb: W <- W + eta G^T X / P, so that a factor on G is one on eta
  REQUIRE(twice.size() == faster.size());
  for (std::size_t i = 0; i < twice.size(); ++i) CHECK(twice[i] == doctest::Approx(faster[i]).epsilon(1e-5));
  CHECK(twice != untouched);
  CHECK(preset);  // in every step, not in the first alone

  const auto broken = [](const data::batch_view<float>& batch, std::span<double> values) {
    for (std::size_t n = 0; n < batch.size; ++n) {
      if (batch.indices[n] == 7) values[n] = std::numeric_limits<double>::infinity();
    }
  };
  CHECK(message<lo::config_error>([&] { (void)run(broken, 1e-2); }) ==
        "trainer: modulator of sample 7 of the data: expected a finite number, found inf");
}

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
    lo::trainer t(m, lo::scheduler::fixed{0}, none{}, {.epochs = 20, .batch = 4});
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

namespace {

/// Features and nothing else.
struct bare {
  [[nodiscard]] std::size_t size() const { return 12; }
  [[nodiscard]] std::size_t height() const { return 1; }
  [[nodiscard]] std::size_t width() const { return 1; }
  [[nodiscard]] std::size_t channels() const { return 4; }
  [[nodiscard]] std::size_t classes() const { return 0; }
  std::uint32_t read(std::size_t index, std::span<float> to) const {
    std::fill(to.begin(), to.end(), static_cast<float>(index));
    return 0;
  }
};

}  // namespace

TEST_CASE("trainer: data without classes and targets has nothing to learn from, but can be predicted") {
  const auto x = features();
  const data::arrays train(four, x, classes, 3);
  single<tiny> m;
  lo::trainer t(m, lo::scheduler::fixed{0}, none{}, {.epochs = 1, .batch = 4});
  CHECK(message<lo::config_error>([&] { (void)t.fit(bare{}); }) ==
        "trainer: training data: expected classes or targets to learn from, found neither");
  CHECK(message<lo::config_error>([&] { (void)t.fit(train, bare{}); }) ==
        "trainer: validation data: expected classes or targets to learn from, found neither");
  (void)t.fit(train);
  CHECK(lo::predict(m, bare{}, train.classes()).size() == 12);
}

TEST_CASE("trainer: callbacks of a kind add up, in the order in which they came") {
  const auto x = features();
  const data::arrays train(four, x, classes, 3);
  single<hebbian> m;
  lo::trainer t(m, lo::scheduler::fixed{1}, none{}, {.epochs = 1, .batch = 6, .local_rate = 1e-4});
  std::string order;
  for (const char* which : {"1", "2"}) {
    t.modulate([&order, which](const auto&, std::span<double> factors) {
      order += lo::text("m", which, factors[0], ' ');
      factors[0] *= 3;
    });
    t.diagnose({0}, 1, [&order, which](const lo::diagnostics_event&) { order += lo::text("w", which, ' '); });
    t.on_pause(1, [&order, which] { order += lo::text("p", which, ' '); });
    t.on_step([&order, which](const lo::step_event&) { order += lo::text("s", which, ' '); });
    t.on_epoch([&order, which](const lo::epoch_record&) { order += lo::text("e", which, ' '); });
  }
  t.on_epoch([&](const lo::epoch_record&) {  // from the next epoch on
    if (t.report().epochs.size() == 1) t.on_epoch([](const lo::epoch_record&) {});
  });
  (void)t.fit(train);
  CHECK(order == "m11 m23 w1 w2 s1 s2 p1 p2 m11 m23 w1 w2 s1 s2 e1 e2 p1 p2 ");
  order.clear();
  t.modulate({});
  t.diagnose({}, 1, {});
  t.on_pause(1, {});
  t.on_step({});
  t.on_epoch({});
  (void)t.fit(train);
  CHECK(order.empty());
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
  m.layer<6>().rate = 2;
  CHECK(with({}) == "dropout: rate: expected a number in [0, 1), found 2");
}

namespace {

/// A user's own data set, with a label that is no class.
struct wrong_label {
  [[nodiscard]] std::size_t size() const { return 8; }
  [[nodiscard]] std::size_t height() const { return 8; }
  [[nodiscard]] std::size_t width() const { return 8; }
  [[nodiscard]] std::size_t channels() const { return 1; }
  [[nodiscard]] std::size_t classes() const { return 3; }
  std::uint32_t read(std::size_t index, std::span<float> to) const {
    for (float& x : to) x = 0;
    return index == 5 ? 3 : 0;
  }
};

}  // namespace

TEST_CASE("trainer: bad data") {
  const auto train = pictures(10);
  model m;
  lo::trainer t(m, lo::scheduler::fixed{0}, none{}, {.epochs = 1, .batch = 8});
  const auto fit = [&](const auto& set) { return [&t, &set] { (void)t.fit(set); }; };
  const auto wide = data::synthetic_images(10, 8, 9, 1, 3, 1);
  CHECK(message<lo::shape_error>(fit(wide)) == "trainer: training data: expected samples of 8x8x1, found 8x9x1");
  CHECK(message<lo::shape_error>([&] { (void)t.fit(train, wide); }) ==
        "trainer: validation data: expected samples of 8x8x1, found 8x9x1");
  CHECK(message<lo::config_error>(fit(data::synthetic_images(10, 8, 8, 1, 4, 1))) ==
        "trainer: training data: classes: expected at most the network's 3 outputs, found 4");
  CHECK(message<lo::data_error>(fit(wrong_label{})) == "loader: label of sample 5: expected less than 3, found 3");
  const data::arrays nothing({8, 8, 1}, {}, std::span<const std::uint32_t>{}, 3);
  CHECK(message<lo::config_error>(fit(nothing)) == "trainer: samples: expected at least 1, found 0");
  CHECK(message<lo::data_error>([] {
          const std::vector<float> x(4);
          const std::vector<std::uint32_t> label{7};
          (void)data::arrays(four, x, label, 3);
        }) == "arrays: label of sample 0: expected less than 3, found 7");

  lo::trainer eager(m, lo::scheduler::fixed{0}, none{}, {.epochs = 1, .batch = 11});
  CHECK(message<lo::config_error>([&] { (void)eager.fit(train); }) ==
        "loader: batch: expected at most the 10 samples of the data, found 11");
  lo::trainer beyond(m, lo::scheduler::fixed{3}, none{}, {.epochs = 1, .batch = 8});
  CHECK(message<lo::config_error>([&] { (void)beyond.fit(train); }) ==
        "scheduler::fixed.stage: expected at most 2, the highest boundary of this network (3 stages), found 3");
  CHECK(t.fit(train).end == lo::ending::finished);
}

namespace {

/// Samples that training sees turned to 0, and an evaluation as they are.
struct darkened {
  const data::arrays& real;
  [[nodiscard]] std::size_t size() const { return real.size(); }
  [[nodiscard]] std::size_t height() const { return real.height(); }
  [[nodiscard]] std::size_t width() const { return real.width(); }
  [[nodiscard]] std::size_t channels() const { return real.channels(); }
  [[nodiscard]] std::size_t classes() const { return real.classes(); }
  std::uint32_t read(std::size_t index, std::span<float> to) const { return real.read(index, to); }
  std::uint32_t read(std::size_t index, std::size_t, std::span<float> to) const {
    const std::uint32_t label = real.read(index, to);
    std::fill(to.begin(), to.end(), 0.0F);
    return label;
  }
};

}  // namespace

TEST_CASE("trainer: validation sees augmented data as it is") {
  const auto x = features();
  const data::arrays real(four, x, classes, 3);
  single<hebbian> m;
  lo::trainer t(m, lo::scheduler::fixed{0}, none{}, {.epochs = 1, .batch = 5});
  const darkened augmented{real};
  (void)t.fit(real);
  const auto& trained = t.fit(augmented, augmented);
  CHECK(trained.epochs[0].loss != trained.epochs[0].validation_loss);
}
