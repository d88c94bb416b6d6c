#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "support/message.hpp"
#include "support/small_runs.hpp"
#include <doctest/doctest.h>

#include <localis/core/error.hpp>
#include <localis/core/operation.hpp>
#include <localis/data/dataset.hpp>
#include <localis/data/loader.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/relu.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/rule/policy.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/supervision/none.hpp>
#include <localis/train/callbacks.hpp>
#include <localis/train/trainer.hpp>

namespace lo = localis;
namespace data = localis::data;
using lo::supervision::none;
using localis_test::message;
using localis_test::small_runs::classes;
using localis_test::small_runs::features;
using localis_test::small_runs::four;
using localis_test::small_runs::hebbian;
using localis_test::small_runs::single;

TEST_CASE("callbacks: those of a kind are called in order, and an empty one removes them") {
  lo::detail::callback_list<const std::string&> list;
  std::string order;
  CHECK(list.empty());
  list.add([&](const std::string& name) { order += name + "1 "; });
  list.add([&](const std::string& name) { order += name + "2 "; });
  CHECK_FALSE(list.empty());
  list(std::string("a"));
  CHECK(order == "a1 a2 ");
  list.add({});
  CHECK(list.empty());
  list(std::string("b"));
  CHECK(order == "a1 a2 ");
}

TEST_CASE("callbacks: one that adds another while it runs stays where it is") {
  lo::detail::callback_list<int> list;
  std::string order;
  const std::string mine = "a capture that does not fit into a small function object";
  list.add([&list, &order, mine](int round) {
    for (int i = 0; round == 1 && i < 100; ++i) {
      list.add([&order](int) { order += '.'; });
    }
    order += mine.substr(0, 1);
  });
  list(1);
  CHECK(order == "a" + std::string(100, '.'));
  order.clear();
  list(2);
  CHECK(order == "a" + std::string(100, '.'));
}

TEST_CASE("callbacks: a pause is due after every so many steps, and not at the end of an epoch") {
  lo::detail::pause_callbacks pauses;
  std::string order;
  CHECK_FALSE(pauses.any_due(2, 7));
  pauses.add(2, [&] { order += '2'; });
  pauses.add(3, [&] { order += '3'; });
  pauses.add(0, [&] { order += '0'; });
  std::string due;
  for (std::size_t done = 1; done <= 6; ++done) {
    due += pauses.any_due(done, 6) ? '1' : '0';
    pauses.call_due(done, 6);
  }
  CHECK(due == "011100");
  CHECK(order == "232");
  order.clear();
  pauses.call_all();
  CHECK(order == "230");
  pauses.add(5, {});
  pauses.call_all();
  CHECK(order == "230");
}

TEST_CASE("callbacks: modulators get factors of 1, and what the ones before left") {
  lo::detail::modulators<float> modulators;
  const std::array<std::uint32_t, 3> indices{4, 7, 9};
  lo::data::batch_view<float> batch;
  batch.size = 3;
  batch.indices = indices;
  CHECK(modulators.factors(batch).empty());
  modulators.add([](const lo::data::batch_view<float>&, std::span<double> factors) { factors[1] *= 3; });
  modulators.add([](const lo::data::batch_view<float>&, std::span<double> factors) { factors[1] += 1; });
  for (int round = 0; round < 2; ++round) {
    const std::span<const double> factors = modulators.factors(batch);
    CHECK(std::vector<double>(factors.begin(), factors.end()) == std::vector<double>{1, 4, 1});
  }
  modulators.add([](const lo::data::batch_view<float>&, std::span<double> factors) {
    factors[2] = std::numeric_limits<double>::infinity();
  });
  CHECK(message<lo::config_error>([&] { (void)modulators.factors(batch); }) ==
        "trainer: modulator of sample 9 of the data: expected a finite number, found inf");
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
  for (std::size_t i = 0; i < twice.size(); ++i)
    CHECK(twice[i] == doctest::Approx(static_cast<double>(faster[i])).epsilon(1e-5));
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

TEST_CASE("callbacks: rewards add up; without one the reward is 1") {
  lo::detail::rewards<float> rewards;
  const lo::data::batch_view<float> batch;
  CHECK(rewards.sum(batch, 0, 0) == 1);
  rewards.add([](const lo::data::batch_view<float>&) { return 1.5; });
  rewards.add([](const lo::data::batch_view<float>&) { return -3.0; });
  CHECK(rewards.sum(batch, 0, 0) == -1.5);
  rewards.add([](const lo::data::batch_view<float>&) { return std::numeric_limits<double>::quiet_NaN(); });
  CHECK(message<lo::config_error>([&] { (void)rewards.sum(batch, 2, 7); }) ==
        "trainer: reward of epoch 2, step 7: expected a finite number, found nan");
  rewards.add({});
  CHECK(rewards.empty());
  CHECK(rewards.sum(batch, 0, 0) == 1);
}

TEST_CASE("trainer: a reward is asked for with each batch, and multiplies the traces") {
  using traced =
      lo::network<lo::vector_input<4>, lo::dense<4, lo::rule::local<lo::rule::hebb, lo::rule::eligibility_trace>>,
                  lo::relu, lo::dense<3>>;
  const auto x = features();
  const data::arrays train(four, x, classes, 3);
  const auto run = [&](const std::vector<double>& rewards, double rate) {
    single<traced> m;
    lo::trainer t(m, lo::scheduler::fixed{1}, none{}, {.epochs = 2, .batch = 5, .local_rate = rate});
    std::vector<std::size_t> sizes;
    for (const double reward : rewards) {
      t.reward([&sizes, reward](const data::batch_view<float>& batch) {
        sizes.push_back(batch.size);
        return reward;
      });
    }
    (void)t.fit(train);
    if (rewards.size() == 1) CHECK(sizes == std::vector<std::size_t>{5, 5, 2, 5, 5, 2});
    return localis_test::small_runs::parameters(m, 0);
  };
  const std::vector<double> plain = run({}, 1e-2);
  CHECK(run({1}, 1e-2) == plain);
  CHECK(run({2}, 1e-2) != plain);
  CHECK(run({1.5, 0.5}, 1e-2) == run({}, 2e-2));  // twice the rate, exactly: the factor is a power of two
  CHECK(run({0}, 1e-2) == run({}, 0));
}
