#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/data/synthetic.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/relu.hpp>
#include <localis/layer/residual.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/rule/oja.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/scheduler/replay.hpp>
#include <localis/supervision/none.hpp>
#include <localis/train/trainer.hpp>

namespace lo = localis;
using lo::memory_kind;

namespace {

using backend = lo::cpu::backend<float>;
using oja = lo::rule::oja;
using oja_momentum = lo::rule::local<lo::rule::oja, lo::rule::momentum>;
using net = lo::network<lo::image<8, 8, 1>, lo::conv2d<4, 3, lo::padding<1>, oja>, lo::batch_norm, lo::relu,
                        lo::residual<lo::shortcut<lo::conv2d<6, 1, lo::stride<2>, oja>, lo::batch_norm>,
                                     lo::conv2d<6, 3, lo::stride<2>, lo::padding<1>, oja_momentum>, lo::batch_norm>,
                        lo::relu, lo::dense<12, lo::rule::hebb>, lo::relu, lo::dense<3>>;
using model = lo::model<net, backend>;
static_assert(net::stages == 4 && net::highest_boundary == 3);

// By hand, in floats. Weights and biases, and gamma, beta, mean, variance: convolution, projection, main branch, dense.
constexpr std::size_t trainable[] = {36 + 4 + 8, 24 + 6 + 12 + 216 + 6 + 12, 1152 + 12, 36 + 3};
constexpr std::size_t statistics = 8 + 12 + 12;
constexpr std::size_t all_trainable = trainable[0] + trainable[1] + trainable[2] + trainable[3];

std::size_t largest_arena(const lo::summary& s) {
  std::size_t largest = 0;
  for (const auto& row : s.memory) largest = std::max(largest, row.arena);
  return largest;
}

const std::vector<std::uint32_t> labels{0, 1, 2, 0, 1, 2, 0, 1};

}  // namespace

TEST_CASE("memory: a request shows what preparing it would take, and takes nothing") {
  for (const bool local : {true, false}) {
    CAPTURE(local);
    const lo::memory_request wanted{.batch = 8, .lowest_boundary = 1, .local_learning = local};
    const model fresh;
    const std::size_t before = fresh.backend().counters().total;
    const lo::summary asked = fresh.summary(wanted);
    CHECK(fresh.backend().counters().total == before);
    CHECK(fresh.summary().memory.empty());
    model prepared;
    prepared.prepare(wanted);
    const lo::summary there = prepared.summary();
    CHECK(asked.batch == 8);
    REQUIRE(asked.memory.size() == 3);  // boundaries 1, 2 and 3
    REQUIRE(there.memory.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(asked.memory[i].boundary == i + 1);
      CHECK(asked.memory[i].activations == there.memory[i].activations);
      CHECK(asked.memory[i].gradients == there.memory[i].gradients);
      CHECK(asked.memory[i].scratch == there.memory[i].scratch);
      CHECK(asked.memory[i].arena == there.memory[i].arena);
      CHECK(asked.memory[i].optimizer_arrays == there.memory[i].optimizer_arrays);
    }
    CHECK_THROWS_AS((void)fresh.summary(lo::memory_request{.batch = 0}), lo::config_error);
  }
}

TEST_CASE("memory: what is planned is what is counted") {
  for (const std::size_t threads : {1U, 2U}) {
    model m({}, backend({.threads = threads, .grain = 1}));
    const lo::memory_counters& counters = m.backend().counters();
    constexpr std::size_t gain = model::stages;
    constexpr std::size_t loss_sums = 2 * sizeof(double);
    CHECK(counters.held(memory_kind::parameters) == sizeof(float) * (all_trainable + statistics + gain) + loss_sums);
    CHECK(m.summary().parameter_bytes == counters.held(memory_kind::parameters));
    // Two doubles for each of four rules, and the momentum of one.
    CHECK(counters.held(memory_kind::rule_state) == 4 * 2 * sizeof(double) + 216 * sizeof(float));
    CHECK(m.summary().rule_state_bytes == counters.held(memory_kind::rule_state));
    CHECK(counters.held(memory_kind::arena) == 0);

    for (const std::size_t lowest : {0U, 1U, 2U, 3U}) {
      for (const bool local : {true, false}) {
        m.prepare({.batch = 8, .lowest_boundary = lowest, .local_learning = local});
        const lo::summary s = m.summary();
        CAPTURE(threads);
        CAPTURE(lowest);
        CHECK(s.memory.size() == 4 - lowest);
        CHECK(counters.held(memory_kind::arena) == largest_arena(s));
        CHECK(s.memory[0].arena >= s.memory[0].activations);
        CHECK(s.memory[0].arena <= s.memory[0].activations + s.memory[0].gradients + s.memory[0].scratch);
        std::size_t behind = 0;
        for (std::size_t stage = lowest; stage < 4; ++stage) behind += trainable[stage];
        CHECK(s.memory[0].optimizer_arrays == sizeof(float) * behind);
      }
    }
    const std::size_t training = counters.held(memory_kind::arena);
    m.prepare({.batch = 8, .training = false});
    CHECK(counters.held(memory_kind::arena) > 0);
    CHECK(counters.held(memory_kind::arena) <= training);
    CHECK(m.summary().memory.empty());
  }
}

TEST_CASE("memory: a higher boundary needs less, and so does a frozen prefix") {
  model m({}, backend({.threads = 2, .grain = 1}));
  m.prepare({.batch = 8});
  const lo::summary s = m.summary();
  for (std::size_t boundary = 1; boundary < 4; ++boundary) {
    CAPTURE(boundary);
    CHECK(s.memory[boundary].gradients < s.memory[boundary - 1].gradients);
    CHECK(s.memory[boundary].activations <= s.memory[boundary - 1].activations);
  }
  CHECK(s.memory[3].activations < s.memory[0].activations);
  m.prepare({.batch = 8, .local_learning = false});
  CHECK(m.summary().memory[3].scratch < s.memory[3].scratch);
  CHECK(m.summary().memory[0].arena == s.memory[0].arena);
}

TEST_CASE("memory: the prefix keeps no activation, however deep it is") {
  using conv = lo::conv2d<4, 3, lo::padding<1>, oja>;
  using lo::relu;
  using shallow = lo::network<lo::image<8, 8, 4>, conv, relu, conv, relu, conv, relu, lo::dense<3>>;
  using deep = lo::network<lo::image<8, 8, 4>, conv, relu, conv, relu, conv, relu, conv, relu, conv, relu, conv, relu,
                           conv, relu, conv, relu, conv, relu, conv, relu, conv, relu, conv, relu, lo::dense<3>>;
  lo::model<shallow, backend> few({}, backend({.threads = 1}));
  lo::model<deep, backend> many({}, backend({.threads = 1}));
  few.prepare({.batch = 8});
  many.prepare({.batch = 8});
  constexpr std::size_t one = 8 * 8 * 8 * 4 * sizeof(float);
  const auto of_few = few.summary().memory;
  const auto of_many = many.summary().memory;
  CHECK(of_few[3].activations == 2 * one);
  CHECK(of_many[12].activations == 2 * one);
  CHECK(of_many[12].arena == of_few[3].arena);
  CHECK(of_many[0].activations >= 12 * one);
}

TEST_CASE("memory: no allocation once all is prepared, wherever the boundary goes") {
  const lo::random_stream random(1, 1);
  std::vector<float> x(8 * 64);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(random.normal(i));
  model m({}, backend({.threads = 2, .grain = 1}));
  lo::gradient_descent descent(m, lo::optimizer::sgd{});
  m.prepare({.batch = 8});
  const lo::memory_counters& counters = m.backend().counters();
  const auto step = [&](std::size_t boundary, std::size_t samples) {
    m.forward(std::span(x).first(64 * samples), samples, {.boundary = boundary, .local_rate = 1e-4});
    (void)m.loss(lo::loss::softmax_cross_entropy{}, std::span(labels).first(samples));
    m.backward();
    descent.step(0.01);
  };
  step(0, 8);  // the optimizer's state comes with its first step
  const std::size_t allocations = counters.allocations;
  const std::size_t peak = counters.peak;
  for (const std::size_t boundary : {0U, 3U, 1U, 2U, 0U, 3U}) step(boundary, boundary == 2 ? 5 : 8);
  (void)m.predict(x, 8);
  m.prepare({.batch = 8});  // the same again
  step(1, 8);
  CHECK(counters.allocations == allocations);
  CHECK(counters.peak == peak);
}

TEST_CASE("memory: the old arena is gone before the new one comes") {
  model m({}, backend({.threads = 1}));
  m.prepare({.batch = 8});
  const std::size_t small = m.backend().counters().held(memory_kind::arena);
  m.prepare({.batch = 16});
  CHECK(m.backend().counters().held(memory_kind::arena) > small);
  CHECK(m.backend().counters().peak == m.backend().counters().total);
}

TEST_CASE("memory: the report's numbers are the backend's") {
  const auto pictures = lo::data::synthetic_images(20, 8, 8, 1, 3, 2);
  model m({}, backend({.threads = 2, .grain = 1}));
  lo::trainer t(m, lo::scheduler::fixed{0}, lo::supervision::none{}, {.epochs = 2, .batch = 8});
  const lo::report& report = t.fit(pictures, pictures);
  const lo::memory_counters& counters = m.backend().counters();
  const lo::memory_use& use = report.memory;
  CHECK(use.parameters == counters.held(memory_kind::parameters));
  CHECK(use.rule_state == counters.held(memory_kind::rule_state));
  CHECK(use.optimizer_state == counters.held(memory_kind::optimizer_state));
  CHECK(use.arena == counters.held(memory_kind::arena));
  CHECK(use.peak == counters.peak);
  CHECK(use.peak == use.parameters + use.rule_state + use.optimizer_state + use.arena);
  CHECK(report.epochs.back().bytes == counters.total);
  const auto rows = m.summary().memory;  // of the boundaries that the memory was prepared for
  REQUIRE(rows.size() == 1);             // a boundary that cannot come is not planned for
  CHECK(use.activations == rows[0].activations);
  CHECK(use.gradients == rows[0].gradients);
  CHECK(use.scratch == rows[0].scratch);
}

TEST_CASE("memory: what only lower boundaries needed is freed when they will not come again") {
  const auto pictures = lo::data::synthetic_images(40, 8, 8, 1, 3, 2);
  model m({}, backend({.threads = 1, .tile_bytes = 1024}));
  lo::trainer t(m, lo::scheduler::replay{{0, 2, 1, 3}}, lo::supervision::none{}, {.epochs = 4, .batch = 40});
  std::vector<std::size_t> arena;
  std::vector<std::size_t> optimizer;
  t.on_epoch([&](const lo::epoch_record&) {
    arena.push_back(m.backend().counters().held(memory_kind::arena));
    optimizer.push_back(m.backend().counters().held(memory_kind::optimizer_state));
  });
  const lo::report& report = t.fit(pictures);
  REQUIRE(arena.size() == 4);
  // Epoch 1 runs at boundary 2, but 1 is still to come.
  CHECK(optimizer[0] - optimizer[1] == sizeof(float) * trainable[0]);
  CHECK(optimizer[2] == optimizer[1]);
  CHECK(optimizer[1] - optimizer[3] == sizeof(float) * (trainable[1] + trainable[2]));
  CHECK(arena[1] < arena[0]);
  CHECK(arena[2] == arena[1]);
  CHECK(arena[3] < arena[2]);
  CHECK(report.epochs[3].bytes == m.backend().counters().total);
  CHECK(report.memory.arena == arena[0]);
  CHECK(report.memory.peak > report.epochs[3].bytes);

  // Always at the last stage: stages before it never get any.
  model late({}, backend({.threads = 1, .tile_bytes = 1024}));
  lo::trainer fixed(late, lo::scheduler::fixed{3}, lo::supervision::none{}, {.epochs = 1, .batch = 40});
  const lo::memory_use use = fixed.fit(pictures).memory;
  CHECK(use.arena == arena[3]);
  CHECK(use.optimizer_state == optimizer[3]);
  CHECK(use.peak < report.memory.peak);
}
