#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/core/random.hpp>
#include <localis/data/dataset.hpp>
#include <localis/data/loader.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/relu.hpp>
#include <localis/layer/residual.hpp>
#include <localis/network/program.hpp>
#include <localis/optimizer/sgd.hpp>
#include <localis/rule/bcm.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/rule/local_error.hpp>
#include <localis/rule/policy.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/supervision/none.hpp>
#include <localis/train/trainer.hpp>
#include <localis/train/update_diagnostics.hpp>

namespace lo = localis;
using cpu = lo::cpu::backend<double>;

namespace {

template <class First>
using net = lo::network<lo::image<4, 4, 2>, lo::conv2d<6, 3, First>, lo::batch_norm, lo::relu,
                        lo::dense<5, lo::rule::local<lo::rule::hebb, lo::rule::momentum>>, lo::relu, lo::dense<3>>;

constexpr std::size_t samples = 7;

std::vector<double> features() {
  const lo::random_stream random(4, 0);
  std::vector<double> x(samples * 32);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = random.normal(i);
  return x;
}
const std::vector<std::uint32_t> labels{0, 1, 2, 0, 1, 2, 0};

/// Every number that training would change.
template <class Model>
std::vector<double> contents(const Model& m) {
  std::vector<double> all;
  m.for_each_parameter(
      [&](const lo::operation&, const auto& p) { all.insert(all.end(), p.value, p.value + p.size()); });
  m.for_each_layer([&](const lo::operation&, const auto& layer) {
    if constexpr (requires { layer.states(); }) {
      for (const auto& p : layer.states()) all.insert(all.end(), p.value, p.value + p.size());
    }
  });
  const auto update_statistics = m.read_update_statistics();
  all.insert(all.end(), update_statistics.change.begin(), update_statistics.change.end());
  all.insert(all.end(), update_statistics.clips.begin(), update_statistics.clips.end());
  return all;
}

}  // namespace

TEST_CASE("update_diagnostics: cosine and norms are those of the updates that training would make") {
  using first = lo::rule::local<lo::rule::hebb, lo::rule::unguarded>;
  lo::model<net<first>, cpu> m{{.seed = 2}};
  m.prepare({.batch = samples, .normalization = lo::prefix_normalization::batch});
  const std::vector<double> x = features();
  lo::update_diagnostics look{m, {1, 0}};
  const auto seen = look(x, labels, {.local_rate = 1e-3, .normalization = lo::prefix_normalization::batch});
  REQUIRE(seen.size() == 2);

  // The same by hand: the gradient of a full step, and the change that a local step makes.
  for (const std::size_t stage : {0U, 1U}) {
    CHECK(seen[stage].stage == stage);
    std::vector<double> gradient;
    m.forward(x, samples, {.boundary = 0});
    m.loss(lo::loss::softmax_cross_entropy{}, labels);
    m.backward();
    const double* weight = nullptr;
    std::size_t rows = 0;
    m.for_each_gradient([&](const lo::operation& op, const auto& p, const double* g) {
      if (op.stage != stage || !op.trainable() || std::string(p.name) != "weight") return;
      gradient.assign(g, g + p.size());
      weight = p.value;
      rows = p.rows;
    });
    const std::vector<double> before(weight, weight + gradient.size());
    double smallest = std::numeric_limits<double>::infinity();
    double largest = 0;
    double mean = 0;
    const std::size_t columns = before.size() / rows;
    for (std::size_t r = 0; r < rows; ++r) {
      double sum = 0;
      for (std::size_t i = 0; i < columns; ++i) sum += before[r * columns + i] * before[r * columns + i];
      smallest = std::min(smallest, std::sqrt(sum));
      largest = std::max(largest, std::sqrt(sum));
      mean += std::sqrt(sum) / static_cast<double>(rows);
    }
    constexpr double eta = 1e-3;
    // The model learns here: the last thing that is done with this stage.
    lo::model<net<first>, cpu> copy{{.seed = 2}};
    copy.prepare({.batch = samples, .normalization = lo::prefix_normalization::batch});
    const double* copied = nullptr;
    copy.for_each_parameter([&](const lo::operation& op, const auto& p) {
      if (op.stage == stage && op.trainable() && std::string(p.name) == "weight") copied = p.value;
    });
    copy.forward(x, samples,
                 {.boundary = stage + 1, .local_rate = eta, .normalization = lo::prefix_normalization::batch});
    double both = 0;
    double local = 0;
    double global = 0;
    for (std::size_t i = 0; i < before.size(); ++i) {
      const double change = (copied[i] - before[i]) / eta;
      both -= change * gradient[i];
      local += change * change;
      global += gradient[i] * gradient[i];
    }
    CHECK(seen[stage].local_norm == doctest::Approx(std::sqrt(local)).epsilon(1e-9));
    CHECK(seen[stage].gradient_norm == doctest::Approx(std::sqrt(global)).epsilon(1e-9));
    CHECK(seen[stage].cosine == doctest::Approx(both / std::sqrt(local * global)).epsilon(1e-9));
    CHECK(std::abs(seen[stage].cosine) > 1e-3);
    CHECK(seen[stage].smallest_row == doctest::Approx(smallest).epsilon(1e-12));
    CHECK(seen[stage].largest_row == doctest::Approx(largest).epsilon(1e-12));
    CHECK(seen[stage].mean_row == doctest::Approx(mean).epsilon(1e-12));
  }
}

TEST_CASE(
    "update_diagnostics: what a part of the batch is worth is the cosine of its gradient with that of the batch") {
  lo::model<net<lo::rule::hebb>, cpu> m{{.seed = 2}};
  m.prepare({.batch = samples, .normalization = lo::prefix_normalization::batch});
  const std::vector<double> x = features();
  const auto gradient = [&](std::size_t count) {
    m.forward(std::span(x).first(count * 32), count, {.boundary = 0, .apply_updates = false});
    m.loss(lo::loss::softmax_cross_entropy{}, std::span(labels).first(count));
    m.backward();
    std::vector<double> found;
    m.for_each_gradient([&](const lo::operation& op, const auto& p, const double* g) {
      if (op.stage == 1 && std::string(p.name) == "weight") found.assign(g, g + p.size());
    });
    return found;
  };
  const std::vector<double> all = gradient(samples);
  for (const std::size_t parts : {2U, 3U, 7U, 50U}) {
    const std::vector<double> part = gradient(std::max<std::size_t>(1, samples / parts));
    double both = 0;
    double of_all = 0;
    double of_part = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      both += all[i] * part[i];
      of_all += all[i] * all[i];
      of_part += part[i] * part[i];
    }
    lo::update_diagnostics look{m, {1}, parts};
    const auto seen = look(x, labels, {.local_rate = 1e-3, .normalization = lo::prefix_normalization::batch});
    CAPTURE(parts);
    CHECK(seen[0].part_cosine == doctest::Approx(both / std::sqrt(of_all * of_part)).epsilon(1e-9));
    CHECK(seen[0].part_cosine < 0.999);
  }
}

TEST_CASE("update_diagnostics: the rows of a block are those of all its layers") {
  using rule = lo::rule::local<lo::rule::hebb, lo::rule::unguarded>;
  using block = lo::residual<lo::shortcut<lo::conv2d<4, 1, rule>>, lo::conv2d<6, 3, lo::padding<1>, rule>, lo::relu,
                             lo::conv2d<4, 3, lo::padding<1>, rule>>;
  lo::model<lo::network<lo::image<4, 4, 2>, block, lo::relu, lo::dense<3>>, cpu> m{{.seed = 2}};
  m.prepare({.batch = samples});
  // Rows of norm 3 in the first layer, of norms 1, 2, 3, 4 in the second, of norm 0.5 in the shortcut.
  std::vector<double> norms(6, 3.0);
  norms.insert(norms.end(), {1, 2, 3, 4, 0.5, 0.5, 0.5, 0.5});
  std::size_t row = 0;
  m.for_each_parameter([&](const lo::operation& op, const auto& p) {
    if (op.stage != 0 || !op.trainable() || std::string(p.name) != "weight") return;
    for (std::size_t r = 0; r < p.rows; ++r, ++row) {
      double squares = 0;
      for (std::size_t i = r * p.columns; i < (r + 1) * p.columns; ++i) squares += p.value[i] * p.value[i];
      for (std::size_t i = r * p.columns; i < (r + 1) * p.columns; ++i)
        p.value[i] *= norms.at(row) / std::sqrt(squares);
    }
  });
  REQUIRE(row == norms.size());
  lo::update_diagnostics look{m, {0}};
  const auto seen = look(features(), labels, {.local_rate = 1e-3});
  CHECK(seen[0].smallest_row == doctest::Approx(0.5).epsilon(1e-12));
  CHECK(seen[0].largest_row == doctest::Approx(4).epsilon(1e-12));
  CHECK(seen[0].mean_row == doctest::Approx((6 * 3 + 1 + 2 + 3 + 4 + 4 * 0.5) / 14).epsilon(1e-12));
}

TEST_CASE("update_diagnostics: a supervised rule whose loss is the network's own goes along the gradient") {
  // Of one stage before a linear read-out that is the head: the local loss is the network's.
  using one =
      lo::network<lo::vector_input<6>, lo::dense<4, lo::rule::local_error>, lo::relu, lo::dense<3, lo::no_bias>>;
  lo::model<one, cpu> m{{.seed = 5}};
  m.prepare({.batch = samples});
  const auto head = m.layer<0>().states();
  REQUIRE(head.size() == 1);
  const auto [weight, bias] = m.layer<2>().parameters();
  std::copy(weight.value, weight.value + weight.size(), head[0].value);
  const std::vector<double> all = features();
  const std::vector<double> x(all.begin(), all.begin() + samples * 6);
  lo::update_diagnostics look{m, {0}};
  const auto seen = look(x, labels, {.local_rate = 1e-3});
  CHECK(seen[0].cosine == doctest::Approx(1).epsilon(1e-12));
  CHECK(seen[0].local_norm == doctest::Approx(seen[0].gradient_norm).epsilon(1e-12));
}

TEST_CASE("update_diagnostics: looking changes nothing") {
  const auto check = [](auto rule) {
    using first = decltype(rule);
    lo::model<net<first>, cpu> m{{.seed = 2}};
    m.prepare({.batch = samples});
    const std::vector<double> x = features();
    m.forward(x, samples, {.boundary = 2, .local_rate = 1e-3, .labels = labels});
    lo::update_diagnostics look{m, {0, 1}};
    const std::vector<double> before = contents(m);
    (void)look(x, labels, {.local_rate = 1e-3, .step = 3});
    CHECK(contents(m) == before);
    m.forward(x, samples, {.boundary = 2, .local_rate = 1e-3, .labels = labels});
    CHECK(contents(m) != before);
  };
  check(lo::rule::local<lo::rule::bcm, lo::rule::running_normalized_signal, lo::rule::hebbian_bias>{});
  check(lo::rule::local<lo::rule::local_error, lo::rule::momentum>{});
}

TEST_CASE("update_diagnostics: dead channels are those that never change") {
  lo::model<net<lo::rule::hebb>, cpu> m{{.seed = 2}};
  m.prepare({.batch = samples});
  const auto parameters = m.layer<1>().parameters();
  for (const std::size_t c : {1U, 4U}) {
    parameters[0].value[c] = 0.1;  // gamma
    parameters[1].value[c] = -50;  // beta: relu gives 0
  }
  lo::update_diagnostics look{m, {0}};
  const auto seen = look(features(), labels, {.local_rate = 1e-3});
  CHECK(seen[0].channels == 6);
  CHECK(seen[0].dead_channels == 2);
}

TEST_CASE("update_diagnostics: a local rate of 0 leaves the gradient alone, whatever was seen before") {
  lo::model<net<lo::rule::hebb>, cpu> m{{.seed = 2}};
  m.prepare({.batch = samples});
  lo::update_diagnostics look{m, {0, 1}};
  const auto learning = look(features(), labels, {.local_rate = 1e-3});
  const auto frozen = look(features(), labels, {.local_rate = 0});
  for (const std::size_t stage : {0U, 1U}) {
    CHECK(learning[stage].local_norm > 0);
    CHECK(frozen[stage].local_norm == 0);
    CHECK(std::isnan(frozen[stage].cosine));
    CHECK(frozen[stage].gradient_norm == learning[stage].gradient_norm);
  }
}

TEST_CASE("update_diagnostics: stages that never lie before the boundary are refused") {
  lo::model<net<lo::rule::hebb>, cpu> m;
  CHECK_THROWS_WITH_AS((lo::update_diagnostics{m, {0, 2}}),
                       "update_diagnostics: stage: expected below the network's highest boundary, 2, found 2",
                       lo::config_error);
}

TEST_CASE("trainer: watching tells and leaves the run as it was") {
  const std::vector<double> x = features();
  const std::vector<float> pixels(x.begin(), x.end());
  const lo::data::arrays train({4, 4, 2}, pixels, labels, 3);
  std::vector<std::size_t> steps;
  const auto run = [&](bool watched) {
    lo::model<net<lo::rule::hebb>, cpu> m{{.seed = 2}};
    lo::trainer t{m, lo::scheduler::fixed{1}, lo::supervision::none{}, {.epochs = 2, .batch = 2, .local_rate = 1e-3}};
    if (watched) {
      t.diagnose({0, 1}, 3, [&](const lo::diagnostics_event& event) {
        steps.push_back(10 * event.epoch + event.step);
        CHECK(event.stages.size() == 2);
        CHECK(std::isfinite(event.stages[0].cosine));
      });
    }
    (void)t.fit(train);
    return contents(m);
  };
  CHECK(run(true) == run(false));
  CHECK(steps == std::vector<std::size_t>{0, 3, 10, 13});
}

TEST_CASE("trainer: the diagnosis of an epoch is that of its first batch of all, and leaves the run as it was") {
  const std::vector<double> x = features();
  const std::vector<float> pixels(x.begin(), x.end());
  const lo::data::arrays train({4, 4, 2}, pixels, labels, 3);
  struct outcome {
    std::vector<double> weights;
    std::vector<lo::epoch_record> epochs;
  };
  const auto run = [&](bool diagnosed, double local_rate, std::size_t stop = 100) {
    lo::model<net<lo::rule::hebb>, cpu> m{{.seed = 2}};
    const auto parameters = m.layer<1>().parameters();
    parameters[0].value[4] = 0;  // gamma: a dead channel
    lo::trainer t{m,
                  lo::scheduler::fixed{1},
                  lo::supervision::none{},
                  {.epochs = 3, .batch = 4, .local_rate = local_rate, .seed = 6},
                  lo::optimizer::sgd{}};
    if (diagnosed) t.diagnose({0});
    t.on_step([&](const lo::step_event& event) {
      if (event.number() == stop) t.request_stop();
    });
    t.on_epoch([&](const lo::epoch_record& record) {
      if (!diagnosed || record.steps < 2) return;
      lo::data::loader<double, lo::data::arrays> batches(train, 4, 6);
      const auto batch = batches.get(0, 0);
      lo::update_diagnostics look{m, {0}};
      const auto seen = look(batch.features, batch.labels, {.local_rate = local_rate, .classes = 3});
      REQUIRE(record.stage_cosines.size() == 3);
      REQUIRE(record.stage_part_cosines.size() == 3);
      CHECK(record.stage_part_cosines[0] == seen[0].part_cosine);
      CHECK(std::isnan(record.stage_part_cosines[1]));
      REQUIRE(record.stage_dead_fractions.size() == 3);
      if (local_rate > 0) CHECK(record.stage_cosines[0] == seen[0].cosine);
      CHECK(std::isnan(record.stage_cosines[0]) == (local_rate == 0));
      CHECK(record.stage_dead_fractions[0] == static_cast<double>(seen[0].dead_channels) / 6);
      CHECK(record.stage_dead_fractions[0] > 0);
      CHECK(std::isnan(record.stage_cosines[1]));
      CHECK(std::isnan(record.stage_dead_fractions[1]));
    });
    return outcome{(t.fit(train), contents(m)), t.report().epochs};
  };
  const outcome seen = run(true, 1e-3);
  REQUIRE(seen.epochs.size() == 3);
  CHECK(seen.epochs[0].stage_cosines[0] != seen.epochs[2].stage_cosines[0]);
  const outcome unseen = run(false, 1e-3);
  CHECK(unseen.epochs[0].stage_cosines.empty());
  CHECK(unseen.epochs[0].stage_dead_fractions.empty());
  CHECK(unseen.weights == seen.weights);
  CHECK(run(true, 0).weights == run(false, 0).weights);
  // An epoch that was stopped has places for the values, and none.
  const outcome stopped = run(true, 1e-3, 2);
  REQUIRE(stopped.epochs.size() == 2);
  REQUIRE(stopped.epochs[1].stage_cosines.size() == 3);
  CHECK(std::isnan(stopped.epochs[1].stage_cosines[0]));
  CHECK(std::isnan(stopped.epochs[1].stage_dead_fractions[0]));
}

TEST_CASE("trainer: no stages end the diagnosis of epochs, and one that never lies before the boundary is refused") {
  const std::vector<double> x = features();
  const std::vector<float> pixels(x.begin(), x.end());
  const lo::data::arrays train({4, 4, 2}, pixels, labels, 3);
  lo::model<net<lo::rule::hebb>, cpu> m{{.seed = 2}};
  lo::trainer t{m, lo::scheduler::fixed{1}, lo::supervision::none{}, {.epochs = 1, .batch = 2, .local_rate = 1e-3}};
  t.diagnose({0});
  t.diagnose({});
  CHECK(t.fit(train).epochs[0].stage_cosines.empty());
  CHECK_THROWS_WITH_AS(t.diagnose({2}),
                       "update_diagnostics: stage: expected below the network's highest boundary, 2, found 2",
                       lo::config_error);
}
