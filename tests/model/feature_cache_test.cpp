#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "support/distance.hpp"
#include "support/message.hpp"
#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/backend/reference/backend.hpp>
#include <localis/check/counting.hpp>
#include <localis/data/augment.hpp>
#include <localis/data/synthetic.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/dropout.hpp>
#include <localis/layer/junction.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/relu.hpp>
#include <localis/layer/residual.hpp>
#include <localis/layer/tanh.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/model.hpp>
#include <localis/optimizer/averaged.hpp>
#include <localis/rule/oja.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/scheduler/part_batch.hpp>
#include <localis/scheduler/replay.hpp>
#include <localis/supervision/none.hpp>
#include <localis/train/trainer.hpp>

namespace lo = localis;
using lo::batch_norm;
using lo::relu;
using localis_test::largest_difference;

namespace {

using oja = lo::rule::oja;
using same = lo::padding<1>;
/// Another kind of operation before each boundary.
using net =
    lo::network<lo::image<8, 8, 2>, lo::conv2d<3, 3, same, oja>, batch_norm, relu, lo::max_pool2d<2>,
                lo::residual<lo::conv2d<3, 3, same, oja>, batch_norm, relu, lo::conv2d<3, 3, same, oja>, batch_norm>,
                relu, lo::concatenated<lo::branch<>, lo::branch<lo::conv2d<2, 3, same, oja>, lo::tanh>>,
                lo::dense<6, oja>, batch_norm, relu, lo::dropout, lo::dense<5, oja>, relu, lo::dense<3>>;
static_assert(net::stages == 6 && net::highest_boundary == 5);
constexpr std::size_t rows[] = {0, 4 * 4 * 3, 4 * 4 * 3, 4 * 4 * 5, 6, 5};  ///< lengths of the stages' inputs

using counting = lo::check::counting<lo::cpu::backend<double>>;
using model = lo::model<net, counting>;
using values = std::vector<double>;

constexpr std::size_t samples = 50;
constexpr std::size_t batch = 16;  // the last one of an epoch has two
constexpr std::size_t plenty = 1000000;

lo::data::images pictures() { return lo::data::synthetic_images(samples, 8, 8, 2, 3, 5); }

lo::train_options options(std::size_t epochs, std::size_t bytes, std::size_t size = batch) {
  return {.epochs = epochs,
          .batch = size,
          .local_rate = 0,
          .normalization = lo::prefix_normalization::frozen,
          .cache_bytes = bytes};
}

template <class Model>
values weights(const Model& m) {
  values result;
  m.for_each_parameter([&](const lo::operation&, const auto& p) {
    const auto array = m.host_copy(p.values());
    result.insert(result.end(), array.begin(), array.end());
  });
  return result;
}

/// Refuses memory for features while told to.
struct refusing : lo::cpu::backend<double> {
  std::shared_ptr<bool> refuses = std::make_shared<bool>(false);
  template <class T>
  auto allocate(lo::memory_kind kind, std::size_t size) {
    if (*refuses && kind == lo::memory_kind::features) throw lo::error("no memory");
    return lo::cpu::backend<double>::template allocate<T>(kind, size);
  }
};

struct result {
  values trained;
  std::size_t responses = 0;
  lo::report report;
};

/// @param group  batches of a gradient step
/// @param size   of a batch
template <class Optimizer = lo::optimizer::sgd, class Scheduler>
result train(const Scheduler& scheduler, std::size_t epochs, std::size_t bytes, std::size_t group = 1,
             std::size_t size = batch, const Optimizer& optimizer = {}) {
  model m{{.seed = 3}, counting()};
  lo::trainer trainer(m, scheduler, lo::supervision::none{}, options(epochs, bytes, size), optimizer);
  trainer.accumulate_gradients(group);
  trainer.fit(pictures());
  return {weights(m), m.backend().counts().response, trainer.report()};
}

/// The multiply-adds of the responses of the first stages to all samples.
std::size_t work(std::size_t stages) {
  std::size_t sum = 0;
  for (const lo::operation& op : model::operations()) {
    if (op.trainable() && op.stage < stages) sum += op.map().rows(samples) * op.map().weights();
  }
  return sum;
}

}  // namespace

TEST_CASE("feature cache: a run takes the same steps, and computes frozen stages once") {
  struct one {
    std::vector<std::size_t> boundaries;
    std::size_t saved;
  };
  const std::vector<one> runs{
      {{2, 2, 2}, 2 * work(2)},                        // read in every epoch but the first
      {{0, 1, 2, 2, 3}, work(1) + work(2) + work(2)},  // each stage passes over the rows of the one before
      {{3, 1, 3}, work(1)},                            // stages that learn again take the rows behind them with them
      {{1, 3, 1, 1}, work(1) + work(1)},               // but not the rows before them
      {{5, 4, 5}, 2 * work(3)},                        // dropout differs from step to step
      {{0, 0}, 0}};
  for (const one& run : runs) {
    CAPTURE(run.boundaries[1]);
    const lo::scheduler::replay replay{run.boundaries};
    const result plain = train(replay, run.boundaries.size(), 0);
    const result kept = train(replay, run.boundaries.size(), plenty);
    CHECK(largest_difference(plain.trained, kept.trained) < 1e-12);
    CHECK(plain.responses - kept.responses == run.saved);
    CHECK(plain.report.memory.features == 0);
    CHECK(plain.report.epochs.back().loss == doctest::Approx(kept.report.epochs.back().loss).epsilon(1e-12));
  }
}

TEST_CASE("feature cache: boundaries that move within an epoch") {
  const auto up = [](std::size_t, std::size_t step) { return std::size_t{step < 2 ? 1U : 3U}; };
  const auto down = [](std::size_t epoch, std::size_t step) { return std::size_t{epoch + step < 3 ? 3U : 1U}; };
  const auto changing = [](std::size_t, std::size_t step) { return step % 2 == 0 ? std::size_t{2} : std::size_t{0}; };
  // Where several batches make a step, it changes stages that a batch of it has kept, and their statistics change
  // before.
  const auto rises = [](std::size_t epoch, std::size_t step) { return std::size_t{epoch + step < 1 ? 1U : 3U}; };
  const auto falls = [](std::size_t epoch, std::size_t step) { return std::size_t{epoch == 1 && step == 0 ? 1U : 3U}; };
  const auto check = [](const auto& scheduler) {
    for (const std::size_t group : {1U, 3U}) {
      for (const std::size_t size : {std::size_t{2}, batch}) {
        CAPTURE(group);
        CAPTURE(size);
        const result plain = train(scheduler, 3, 0, group, size);
        CHECK(largest_difference(plain.trained, train(scheduler, 3, plenty, group, size).trained) < 1e-12);
      }
    }
  };
  check(up);
  check(down);
  check(changing);
  check(rises);
  check(falls);
}

TEST_CASE("feature cache: stages that take over averages") {
  const lo::optimizer::averaged<lo::optimizer::sgd> averaged{{}, 0.5};
  const lo::scheduler::replay replay{{0, 1, 2, 3}};
  const result plain = train(replay, 4, 0, 1, batch, averaged);
  const result kept = train(replay, 4, plenty, 1, batch, averaged);
  CHECK(largest_difference(plain.trained, kept.trained) < 1e-12);
  CHECK(kept.responses < plain.responses);
}

TEST_CASE("feature cache: rows of the bytes that are allowed") {
  const auto fit = [](std::size_t boundary, std::size_t row) {
    return train(lo::scheduler::fixed{boundary}, 2, row * samples * sizeof(double));
  };
  const std::size_t all = 2 * work(net::stages);
  const result third = fit(3, rows[3]);
  CHECK(third.responses == all - work(3));
  CHECK(third.report.memory.features == rows[3] * samples * sizeof(double));
  CHECK(third.report.memory.peak >= third.report.memory.features);
  const result second = fit(3, rows[3] - 1);  // the rows of the stage before fit
  CHECK(second.responses == all - work(2));
  CHECK(second.report.memory.features == rows[2] * samples * sizeof(double));
  const result none = fit(3, rows[2] - 1);
  CHECK(none.responses == all);
  CHECK(none.report.memory.features == 0);
  const result last = fit(5, rows[4]);  // behind dropout
  CHECK(last.responses == all);
  CHECK(largest_difference(third.trained, none.trained) < 1e-12);
}

TEST_CASE("feature cache: memory is there once the boundary may move, and stays") {
  model m{{}, counting()};
  const auto held = [&m] { return m.backend().counters().snapshot().held(lo::memory_kind::features); };
  lo::memory_request wanted{.batch = batch,
                            .highest_boundary = 0,
                            .local_learning = false,
                            .samples = samples,
                            .normalization = lo::prefix_normalization::frozen,
                            .cache_bytes = plenty};
  m.prepare(wanted);
  CHECK(held() == 0);
  wanted.highest_boundary = 3;
  m.prepare(wanted);
  const std::size_t largest = rows[3] * samples * sizeof(double);
  CHECK(held() == largest);
  wanted.lowest_boundary = wanted.highest_boundary = 3;
  m.prepare(wanted);
  CHECK(held() == largest);
  m.prepare({.batch = batch, .training = false});
  CHECK(held() == largest);
  wanted.cache_bytes = 0;
  m.prepare(wanted);
  CHECK(held() == 0);
}

TEST_CASE("feature cache: memory that runs out") {
  using shrinking = lo::network<lo::image<8, 8, 2>, lo::conv2d<3, 3, same, oja>, lo::tanh, lo::max_pool2d<2>,
                                lo::dense<4, oja>, lo::tanh, lo::dense<3>>;
  const refusing backend;
  lo::model<shrinking, refusing> m{{}, backend};
  const auto prepare = [&](std::size_t boundary) {
    m.prepare({.batch = batch,
               .lowest_boundary = boundary,
               .local_learning = false,
               .samples = samples,
               .normalization = lo::prefix_normalization::frozen,
               .cache_bytes = plenty});
  };
  const auto held = [&] { return m.backend().counters().held(lo::memory_kind::features) / samples / sizeof(double); };
  prepare(2);
  CHECK(held() == 4);
  *backend.refuses = true;
  CHECK_THROWS_AS(prepare(1), lo::error);
  CHECK(held() == 0);
  *backend.refuses = false;
  prepare(2);
  CHECK(held() == 4);
  prepare(1);
  CHECK(held() == 48);
}

TEST_CASE("feature cache: each fit begins anew") {
  const auto twice = [](std::size_t bytes) {
    model m{{.seed = 3}, counting()};
    for (int i = 0; i < 2; ++i) {
      for (double& w : m.layer<0>().weight()) w += 0.5;
      lo::trainer trainer(m, lo::scheduler::fixed{2}, lo::supervision::none{}, options(1, bytes));
      trainer.fit(pictures());
    }
    return weights(m);
  };
  CHECK(largest_difference(twice(0), twice(plenty)) < 1e-12);
}

TEST_CASE("feature cache: weights that are changed by hand need a word") {
  model m{{.seed = 3}, counting()};
  m.prepare({.batch = batch,
             .local_learning = false,
             .samples = samples,
             .normalization = lo::prefix_normalization::frozen,
             .cache_bytes = plenty});
  const lo::data::images data = pictures();
  values x(batch * 128);
  std::vector<float> sample(128);
  std::vector<std::uint32_t> indices(batch);
  std::iota(indices.begin(), indices.end(), 7U);
  for (std::size_t n = 0; n < batch; ++n) {
    (void)data.read(indices[n], std::span<float>(sample));
    std::copy(sample.begin(), sample.end(), x.begin() + static_cast<std::ptrdiff_t>(n * 128));
  }
  const auto forward = [&](bool apply) {
    const std::span<const double> y = m.forward(
        x, batch,
        {.boundary = 2, .normalization = lo::prefix_normalization::frozen, .indices = indices, .apply_updates = apply});
    return values(y.begin(), y.end());
  };
  const values before = forward(true);
  for (double& w : m.layer<0>().weight()) w *= -1;
  CHECK(largest_difference(forward(true), before) < 1e-12);
  const values changed = forward(false);  // a dry run neither reads nor writes what is kept
  CHECK(largest_difference(changed, before) > 0.01);
  CHECK(largest_difference(forward(true), before) < 1e-12);
  const auto snapshot = m.snapshot();
  m.forget_features();
  CHECK(largest_difference(forward(true), changed) < 1e-12);
  for (double& w : m.layer<0>().weight()) w *= -1;
  m.forget_features();
  CHECK(largest_difference(forward(true), before) < 1e-12);
  m.restore(snapshot);
  CHECK(largest_difference(forward(true), changed) < 1e-12);
}

TEST_CASE("feature cache: what it cannot be combined with") {
  const auto message = [](const auto& call) { return localis_test::message<lo::config_error>(call); };
  model m{{}, counting()};
  const lo::memory_request good{.batch = batch,
                                .local_learning = false,
                                .samples = samples,
                                .normalization = lo::prefix_normalization::frozen,
                                .cache_bytes = plenty};
  const auto prepare = [&](auto change) {
    lo::memory_request wanted = good;
    change(wanted);
    return message([&] { m.prepare(wanted); });
  };
  CHECK(prepare([](auto& r) { r.samples = 0; }).starts_with("model::prepare: samples: expected the size"));
  CHECK(
      prepare([](auto& r) { r.local_learning = true; }).starts_with("model::prepare: local_learning: expected false"));
  CHECK(prepare([](auto& r) { r.part_samples = 2; }).starts_with("model::prepare: part_samples: expected 0"));
  CHECK(prepare([](auto& r) {
          r.normalization = lo::prefix_normalization::running;
        }).starts_with("model::prepare: normalization: expected frozen"));
  CHECK(prepare([](auto&) {}) == "nothing");

  const values x(2 * 128, 0.5);
  const std::vector<std::uint32_t> far{0, samples};
  const auto forward = [&](const lo::step_options& step) { return message([&] { (void)m.forward(x, 2, step); }); };
  CHECK(forward({.boundary = 1}).starts_with("model::forward: normalization: expected frozen"));
  CHECK(forward({.boundary = 1, .normalization = lo::prefix_normalization::frozen})
            .starts_with("model::forward: step_options::indices: expected 2, one for each sample"));
  CHECK(forward({.boundary = 1, .normalization = lo::prefix_normalization::frozen, .indices = far})
            .starts_with("model::forward: step_options::indices: expected samples below 50"));
  CHECK(forward({.boundary = 0}) == "nothing");

  const lo::data::images data = pictures();
  const auto fit = [&](const auto& scheduler, auto change, const auto& train) {
    lo::train_options wanted = options(1, plenty);
    change(wanted);
    lo::trainer trainer(m, scheduler, lo::supervision::none{}, wanted);
    return message([&] { trainer.fit(train); });
  };
  const lo::scheduler::fixed fixed{1};
  CHECK(fit(
            fixed, [](auto& o) { o.local_rate = 1e-3; }, data)
            .starts_with("trainer: local_rate: expected 0"));
  CHECK(fit(
            fixed, [](auto& o) { o.normalization = lo::prefix_normalization::running; }, data)
            .starts_with("trainer: normalization: expected frozen"));
  CHECK(fit(
            lo::scheduler::part_batch{fixed, 0.5}, [](auto&) {}, data)
            .starts_with("trainer: cache_bytes: expected 0"));
  const lo::data::augmented changing(data, {.padding = 2});
  CHECK(fit(
            fixed, [](auto&) {}, changing)
            .starts_with("trainer: cache_bytes: expected training data that is the same"));
  CHECK(fit(
            fixed, [](auto&) {}, lo::data::augmented(data, {.padding = 0, .flip = false})) == "nothing");
}

TEST_CASE("feature cache: the reference backend agrees") {
  lo::model<net, lo::reference::backend<double>> m{{.seed = 3}};
  lo::trainer trainer(m, lo::scheduler::replay{{0, 1, 2, 3}}, lo::supervision::none{}, options(4, plenty));
  trainer.fit(pictures());
  CHECK(largest_difference(weights(m), train(lo::scheduler::replay{{0, 1, 2, 3}}, 4, plenty).trained) < 1e-10);
}
