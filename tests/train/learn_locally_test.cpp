#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "support/message.hpp"
#include "support/small_runs.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/core/error.hpp>
#include <localis/data/dataset.hpp>
#include <localis/data/loader.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/tanh.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/rule/local_error.hpp>
#include <localis/rule/policy.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/supervision/none.hpp>
#include <localis/train/trainer.hpp>

namespace lo = localis;
namespace data = localis::data;
using lo::supervision::none;
using localis_test::message;
using localis_test::small_runs::bare;
using localis_test::small_runs::classes;
using localis_test::small_runs::features;
using localis_test::small_runs::four;
using localis_test::small_runs::hebbian;
using localis_test::small_runs::model;
using localis_test::small_runs::parameters;
using localis_test::small_runs::pictures;
using localis_test::small_runs::single;
using localis_test::small_runs::tiny;

namespace {

constexpr double rate = 1e-3;
constexpr std::size_t batch = 8;

/// The same by hand, over the whole network; stages before `first` keep their weights by gains of 0.
void by_hand(model& m, const data::images& train, std::size_t first, std::size_t boundary, std::size_t epochs) {
  data::loader<double, data::images> loader(train, batch, 3);
  m.prepare({.batch = batch});
  std::vector<double> gains(model::stages, 1.0);
  for (std::size_t stage = 0; stage < first; ++stage) gains[stage] = 0;
  for (std::size_t epoch = 0; epoch < epochs; ++epoch)
    for (std::size_t step = 0; step < loader.steps(); ++step) {
      const auto view = loader.get(epoch, step);
      (void)m.forward(
          view.features, view.size,
          {.boundary = boundary, .local_rate = rate, .step = epoch * loader.steps() + step, .stage_gains = gains});
    }
}

lo::local_report pretrain(model& m, const data::images& train, const lo::local_options& chosen) {
  lo::trainer t(m, lo::scheduler::fixed{0}, none{}, {.batch = batch, .local_rate = rate, .seed = 3});
  return t.learn_locally(train, chosen);
}

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum);
}

/// The weights of a stage, without the biases and the coefficients of normalization.
std::vector<double> weights(const model& m, std::size_t stage) {
  std::vector<double> all;
  m.for_each_parameter([&](const lo::operation& op, const auto& p) {
    if (op.stage == stage && std::string(p.name) == "weight") all.insert(all.end(), p.value, p.value + p.size());
  });
  return all;
}

}  // namespace

TEST_CASE("learn_locally: all stages at once, to the bit what forward() does by hand") {
  const auto train = pictures(20);
  for (const std::size_t stages : {1U, 2U}) {
    CAPTURE(stages);
    model expected;
    by_hand(expected, train, 0, stages, 3);
    model m;
    const std::vector<double> before = parameters(m);
    const lo::local_report report = pretrain(m, train, {.stages = stages, .epochs = 3});
    CHECK(parameters(m) == parameters(expected));
    CHECK(parameters(m) != before);
    CHECK(parameters(m, 2) == parameters(model(), 2));
    CHECK(report.updates == 9);
    REQUIRE(report.changes.size() == 3);
    CHECK(report.changes[0].size() == stages);
    CHECK(report.seconds > 0);
  }
}

TEST_CASE("learn_locally: stage by stage, each from the finished one before it") {
  const auto train = pictures(20);
  model expected;
  by_hand(expected, train, 0, 1, 2);
  const std::vector<double> first = weights(expected, 0);
  by_hand(expected, train, 1, 2, 2);
  REQUIRE(weights(expected, 0) == first);
  model m;
  const lo::local_report report = pretrain(m, train, {.epochs = 2, .order = lo::local_order::one_by_one});
  CHECK(parameters(m) == parameters(expected));
  CHECK(report.updates == 12);
  REQUIRE(report.changes.size() == 4);
  CHECK(report.changes[1].size() == 1);
  CHECK(std::isnan(report.changes[2][0]));
  CHECK(report.changes[2][1] > 0);
  model together;
  (void)pretrain(together, train, {.epochs = 2});
  CHECK(weights(together, 0) == first);
  CHECK(weights(together, 1) != weights(m, 1));
}

TEST_CASE("learn_locally: the relative change of the weights in each epoch") {
  const auto train = pictures(20);
  model m;
  const std::vector<double> start = weights(m, 1);
  model once;
  (void)pretrain(once, train, {.epochs = 1});
  const lo::local_report report = pretrain(m, train, {.epochs = 2});
  const std::vector<double> zeros(start.size(), 0.0);
  CHECK(report.changes[0][1] == doctest::Approx(distance(weights(once, 1), start) / distance(start, zeros)));
  CHECK(report.changes[1][1] ==
        doctest::Approx(distance(weights(m, 1), weights(once, 1)) / distance(weights(once, 1), zeros)));
}

TEST_CASE("learn_locally: labels are not needed, but taken where a rule asks for them, and a run may follow") {
  single<hebbian> m;
  lo::trainer t(m, lo::scheduler::fixed{1}, none{}, {.epochs = 1, .batch = 4, .local_rate = 1e-3});
  const std::vector<float> before = [&] {
    const auto all = parameters(m, 0);
    return std::vector<float>(all.begin(), all.end());
  }();
  CHECK(t.learn_locally(bare{}).updates == 3);
  const auto x = features();
  CHECK(t.learn_locally(data::arrays(four, x), {.stages = 1}).updates == 3);
  const auto after = parameters(m, 0);
  CHECK(std::vector<float>(after.begin(), after.end()) != before);
  CHECK(t.fit(data::arrays(four, x, classes, 3)).end == lo::ending::finished);

  using supervised = lo::network<lo::vector_input<4>, lo::dense<4, lo::rule::local_error>, lo::tanh, lo::dense<3>>;
  single<supervised> s;
  lo::trainer by_label(s, lo::scheduler::fixed{0}, none{}, {.batch = 4, .local_rate = 0.1});
  CHECK(by_label.learn_locally(data::arrays(four, x, classes, 3)).changes[0][0] > 0);
  CHECK_THROWS_AS(by_label.learn_locally(data::arrays(four, x)), lo::config_error);
}

TEST_CASE("learn_locally: the gain is a function of what is done, and a factor on the rate") {
  const auto train = pictures(16);
  std::vector<double> seen;
  model m;
  (void)pretrain(m, train, {.stages = 1, .epochs = 2, .gain = [&](double done) {
                              seen.push_back(done);
                              return 1 - done;
                            }});
  CHECK(seen == std::vector<double>{0, 0.25, 0.5, 0.75});
  model expected;
  data::loader<double, data::images> loader(train, batch, 3);
  expected.prepare({.batch = batch});
  for (std::size_t i = 0; i < 4; ++i) {
    const auto view = loader.get(i / 2, i % 2);
    (void)expected.forward(view.features, view.size,
                           {.boundary = 1, .local_rate = rate, .gain = 1 - static_cast<double>(i) / 4, .step = i});
  }
  CHECK(parameters(m) == parameters(expected));
  CHECK_THROWS_AS(pretrain(m, train, {.gain = [](double) { return std::nan(""); }}), lo::config_error);
}

TEST_CASE("learn_locally: third factors apply") {
  const auto train = pictures(16);
  model m;
  const std::vector<double> before = parameters(m);
  lo::trainer t(m, lo::scheduler::fixed{0}, none{}, {.batch = batch, .local_rate = rate});
  t.modulate([](const auto&, std::span<double> factors) { std::fill(factors.begin(), factors.end(), 0.0); });
  CHECK(t.learn_locally(train).changes[0] == std::vector<double>{0, 0});
  CHECK(parameters(m) == before);
}

TEST_CASE("learn_locally: a stop ends it after the step under way, and the trainer goes on as before") {
  const auto train = pictures(40);  // 5 steps
  model m;
  lo::trainer t(m, lo::scheduler::fixed{0}, none{}, {.epochs = 1, .batch = batch, .local_rate = rate, .seed = 3});
  std::size_t steps = 0;
  std::size_t last = 7;
  const auto count = [&](double) {
    if (++steps == last) t.request_stop();
    return 1.0;
  };
  const lo::local_report part = t.learn_locally(train, {.stages = 2, .epochs = 3, .gain = count});
  CHECK(part.end == lo::ending::stopped);
  CHECK(part.updates == 7);
  REQUIRE(part.changes.size() == 2);
  CHECK(part.changes[1][1] > 0);
  CHECK(part.changes[1][1] < part.changes[0][1]);
  CHECK(part.seconds > 0);

  model expected;  // the first 7 steps
  data::loader<double, data::images> loader(train, batch, 3);
  expected.prepare({.batch = batch});
  for (std::size_t i = 0; i < 7; ++i) {
    const auto view = loader.get(i / 5, i % 5);
    (void)expected.forward(view.features, view.size, {.boundary = 2, .local_rate = rate, .step = i});
  }
  CHECK(parameters(m) == parameters(expected));

  // In the last step of an epoch, there is no part of the next one; a stage after a stop does not begin.
  steps = 0;
  last = 5;
  const lo::local_report first =
      t.learn_locally(train, {.epochs = 1, .order = lo::local_order::one_by_one, .gain = count});
  CHECK(first.end == lo::ending::stopped);
  CHECK(first.updates == 5);
  CHECK(first.changes.size() == 1);
  steps = 0;
  CHECK(t.learn_locally(train, {.stages = 1, .epochs = 2, .gain = count}).changes.size() == 1);

  // The stop is forgotten.
  CHECK(t.fit(train).end == lo::ending::finished);
  const lo::local_report whole = t.learn_locally(train);
  CHECK(whole.end == lo::ending::finished);
  CHECK(whole.updates == 5);
}

TEST_CASE("learn_locally: what cannot learn is an error, and changes nothing") {
  const auto train = pictures(16);
  model m;
  const std::vector<double> before = parameters(m);
  const auto fails = [&](const lo::local_options& chosen, double local_rate = rate) {
    lo::trainer t(m, lo::scheduler::fixed{0}, none{}, {.batch = batch, .local_rate = local_rate});
    return message<lo::config_error>([&] { (void)t.learn_locally(train, chosen); });
  };
  CHECK(fails({.stages = 3}) ==
        "learn_locally: stages: expected 1 to 2, the first stages that have a local rule, found 3");
  CHECK(fails({.stages = 0}) ==
        "learn_locally: stages: expected 1 to 2, the first stages that have a local rule, found 0");
  CHECK(fails({.epochs = 0}) == "learn_locally: epochs: expected at least 1, found 0");
  CHECK(fails({}, 0) == "learn_locally: local_rate of the trainer: expected above 0, found 0");
  CHECK(parameters(m) == before);

  single<tiny> none_local;
  lo::trainer t(none_local, lo::scheduler::fixed{0}, none{}, {.batch = 4});
  CHECK_THROWS_AS(t.learn_locally(bare{}), lo::config_error);
  single<hebbian> wild;
  lo::trainer diverges(wild, lo::scheduler::fixed{0}, none{}, {.batch = 4, .local_rate = 1e30});
  CHECK_THROWS_AS(diverges.learn_locally(data::arrays(four, features()), {.epochs = 50}), lo::error);
}

TEST_CASE("model: a pass over the prefix alone gives no output and no loss") {
  const auto x = features();
  single<hebbian> m;
  m.prepare({.batch = 12});
  CHECK(m.forward(x, 12, {.boundary = 1, .local_rate = 1e-3, .prefix_only = true}).empty());
  CHECK_THROWS_AS((void)m.loss(lo::loss::softmax_cross_entropy{}, classes), lo::config_error);
}
