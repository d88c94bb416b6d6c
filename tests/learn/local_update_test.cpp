// What a layer's rule keeps, leaves and asks for, whatever the rule.

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "support/rule_cases.hpp"
#include <doctest/doctest.h>

#include <localis/backend/concept.hpp>
#include <localis/backend/cpu/backend.hpp>
#include <localis/backend/reference/backend.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/epilogue.hpp>
#include <localis/optimizer/adam.hpp>

namespace lo = localis;
using localis_test::bench;
using localis_test::deviation;
using localis_test::normal;
using reference = lo::reference::backend<double>;

namespace {

template <class... Local>
using layer = bench<lo::vector_input<6>, lo::dense<4, lo::rule::local<Local...>>, reference>;

struct found {
  std::string name;
  std::size_t rows;
  std::size_t columns;
  bool operator==(const found&) const = default;
};
template <class Bench>
std::vector<found> states(Bench& one) {
  std::vector<found> result;
  for (const auto& p : one.layer().states()) result.push_back({p.name, p.rows, p.columns});
  return result;
}

}  // namespace

TEST_CASE("local_update: states, by name: the optimizer's arrays, and one value per unit of rule and signal") {
  using namespace lo::rule;
  layer<oja> plain(2);
  CHECK(states(plain).empty());
  layer<hebb, momentum> one_array(2);
  CHECK(states(one_array) == std::vector<found>{{"optimizer", 4, 6}});
  layer<bcm, running_normalized_signal, lo::optimizer::adam> all(2);
  CHECK(
      states(all) ==
      std::vector<found>{
          {"optimizer", 4, 6}, {"optimizer", 4, 6}, {"state", 1, 4}, {"signal_mean", 1, 4}, {"signal_variance", 1, 4}});
  // Counted, and how they start.
  CHECK(all.model.backend().counters().held(lo::memory_kind::rule_state) ==
        sizeof(double) * (2 * 24 + 4 + 2 * 4) + 2 * sizeof(double));
  CHECK(all.state("state") == std::vector<double>(4, 1.0));
  CHECK(all.state("signal_mean") == std::vector<double>(4, 0.0));
  CHECK(all.state("signal_variance") == std::vector<double>(4, 1.0));
}

TEST_CASE("local_update: a run that goes on from stored weights and states is the unbroken one") {
  using namespace lo::rule;
  using test = layer<bcm, running_normalized_signal, momentum>;
  test unbroken(5);
  test stored(5);
  const auto copy = [](test& from, test& to) {
    to.set(from.copy());
    const auto have = from.layer().states();
    const auto want = to.layer().states();
    for (std::size_t s = 0; s < have.size(); ++s) {
      for (std::size_t i = 0; i < have[s].size(); ++i) want[s].value[i] = have[s].value[i];
    }
  };
  for (std::uint64_t t = 0; t < 3; ++t) unbroken.step(normal(5 * 6, t), 0.05);
  copy(unbroken, stored);
  for (std::uint64_t t = 3; t < 6; ++t) {
    unbroken.step(normal(5 * 6, t), 0.05);
    stored.step(normal(5 * 6, t), 0.05);
  }
  CHECK(stored.copy() == unbroken.copy());
}

TEST_CASE("local_update: no pass allocates, and none writes beyond its scratch, for rules that need the most of it") {
  // The arena is planned from what a rule says it needs: too little would end in another's values.
  const auto check = [](const auto& rule, auto... policies) {
    using type = std::remove_cvref_t<decltype(rule)>;
    using option = lo::rule::local<type, lo::rule::unguarded, decltype(policies)...>;
    using cpu = lo::cpu::backend<double>;
    using net =
        lo::network<lo::image<9, 8, 2>, lo::conv2d<6, 3, lo::padding<1>, option>, lo::dense<5, option>, lo::dense<2>>;
    constexpr std::size_t samples = 7;
    const auto run = [&](auto backend, bool small) {
      lo::model<net, decltype(backend)> m({.seed = 2}, backend);
      m.template layer<0>().rule() = rule;
      m.template layer<1>().rule() = rule;
      m.prepare({.batch = samples, .lowest_boundary = small ? std::size_t{2} : std::size_t{0}});
      std::vector<double> out;
      const std::size_t allocations = m.backend().counters().allocations;
      for (std::uint64_t t = 0; t < 3; ++t) {
        const auto y = m.forward(normal(samples * 144, t), samples, {.boundary = 2, .local_rate = 0.01, .step = t});
        out.insert(out.end(), y.begin(), y.end());
      }
      CHECK(m.backend().counters().allocations == allocations);
      for (const auto& p : {m.template layer<0>().parameters()[0], m.template layer<1>().parameters()[0]}) {
        out.insert(out.end(), p.value, p.value + p.size());
      }
      return out;
    };
    const std::vector<double> expected = run(reference(), false);
    CAPTURE(lo::rule::name<type>());
    CHECK(deviation(run(cpu({.threads = 3, .tile_bytes = 1024, .grain = 1}), true), expected) < 1e-10);
    CHECK(deviation(run(reference(), true), expected) < 1e-15);
  };
  check(lo::rule::subspace{});
  check(lo::rule::krotov_hopfield{.power = 3}, lo::rule::running_normalized_signal{});
  check(lo::rule::covariance{}, lo::rule::batch_normalized_signal{});
}

namespace {

/// Remembers with which options it was asked for scratch memory, and with which it learned.
struct remembering : reference {
  struct options_seen {
    std::vector<lo::learn_options> measured;
    std::vector<lo::learn_options> used;
  };
  std::shared_ptr<options_seen> seen = std::make_shared<options_seen>();

  void learn_scratch(const lo::linear_map& map, std::size_t samples, const lo::learn_options& options,
                     lo::workspace& scratch, const lo::epilogue_options& epilogue = {}) const {
    seen->measured.push_back(options);
    reference::learn_scratch(map, samples, options, scratch, epilogue);
  }
  template <class Gate, class Epilogue = lo::kernel::no_epilogue>
  void respond_and_learn(const lo::linear_map& map, const lo::response_arguments<double>& forward,
                         const lo::learning_arguments<double, Gate>& learn, lo::workspace scratch,
                         const Epilogue& epilogue = {}) const {
    seen->used.push_back(learn.options);
    reference::respond_and_learn(map, forward, learn, scratch, epilogue);
  }
};

bool covers(const lo::learn_options& measured, const lo::learn_options& used) {
  return measured.unit_sums == used.unit_sums && measured.sums_inputs == used.sums_inputs &&
         measured.forgetting == used.forgetting && measured.is_modulated >= used.is_modulated &&
         (measured.signal == used.signal || measured.signal == lo::gate_signal::reweighted) &&
         (measured.rows.every > 1) == (used.rows.every > 1);
}

template <class... Local>
void check_measured(std::size_t batch) {
  const remembering backend;
  bench<lo::image<3, 3, 2>, lo::conv2d<4, 2, lo::rule::local<Local...>>, remembering> one(batch, backend);
  one.step(normal(batch * 18, 1), 0.01);
  REQUIRE(backend.seen->used.size() == 1);
  bool is_covered = false;
  for (const lo::learn_options& measured : backend.seen->measured) {
    is_covered = is_covered || covers(measured, backend.seen->used[0]);
  }
  CHECK(is_covered);
}

}  // namespace

TEST_CASE("local_update: scratch memory is measured with the options of the step") {
  using namespace lo::rule;
  for (const std::size_t batch : {std::size_t{1}, std::size_t{40}}) {
    check_measured<oja>(batch);
    check_measured<oja, sampled_rows>(batch);
    check_measured<bcm, running_normalized_signal, hebbian_bias>(batch);
    check_measured<subspace>(batch);
    check_measured<subspace, sampled_rows>(batch);
    check_measured<sanger>(batch);
    check_measured<covariance>(batch);
    check_measured<instar, batch_normalized_signal>(batch);
    check_measured<krotov_hopfield>(batch);
    check_measured<soft_hebb>(batch);
  }
}
