// Splitting a batch over tiles and threads changes nothing beyond rounding, for every rule.

#include <cstddef>
#include <vector>

#include "support/rule_cases.hpp"
#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>

namespace lo = localis;
using cpu = lo::cpu::backend<double>;
using localis_test::deviation;
using localis_test::normal;

namespace {

constexpr std::size_t samples = 4;

/// Weights of a convolution and of a dense layer, and their states, after some steps of the same rule in both.
template <class Local, std::size_t Channels, std::size_t Units>
std::vector<double> learn(const typename Local::rule_type& rule, std::size_t every, bool modulated,
                          const lo::cpu::options& options) {
  // 90 output positions: tiles of 64 rows do not end with a sample.
  using net = lo::network<lo::image<10, 9, Channels>, lo::conv2d<Units, 3, lo::padding<1>, Local>, lo::dense<6, Local>,
                          lo::dense<2>>;
  lo::model<net, cpu> m({.seed = 2}, cpu(options));
  m.template layer<0>().rule() = rule;
  m.template layer<1>().rule() = rule;
  m.template layer<0>().local().rows.every = every;
  m.template layer<1>().local().rows.every = every == 1 ? 1 : 2;
  m.prepare({.batch = samples, .lowest_boundary = 2});
  const std::vector<double> modulator{1, -0.5, 0, 2};
  std::vector<double> result;
  for (std::uint64_t t = 0; t < 2; ++t) {
    std::vector<double> x = normal(samples * 90 * Channels, t);
    for (double& value : x) value = 0.4 * value + 0.2;
    lo::step_options how{.boundary = 2, .local_rate = 0.01, .step = t};
    if (modulated) how.modulator = modulator;
    m.forward(x, samples, how);
  }
  const auto keep = [&](const auto& layer) {
    for (const auto& p : layer.parameters()) result.insert(result.end(), p.value, p.value + p.size());
    for (const auto& p : layer.states()) result.insert(result.end(), p.value, p.value + p.size());
  };
  keep(m.template layer<0>());
  keep(m.template layer<1>());
  return result;
}

template <std::size_t Channels, std::size_t Units, class Rule, class... Policies>
void check_splits(const Rule& rule) {
  using local = lo::rule::local<Rule, lo::rule::unguarded, lo::rule::sampled_rows, Policies...>;
  CAPTURE(lo::rule::name<Rule>());
  for (const std::size_t every : {1U, 4U}) {
    for (const bool modulated : {false, true}) {
      CAPTURE(every);
      CAPTURE(modulated);
      const lo::cpu::options whole{.threads = 1, .tile_bytes = std::size_t{1} << 20};
      const std::vector<double> expected = learn<local, Channels, Units>(rule, every, modulated, whole);
      for (const std::size_t threads : {1U, 2U, 3U}) {
        CAPTURE(threads);
        const lo::cpu::options split{.threads = threads, .tile_bytes = 1024, .grain = 1};
        CHECK(deviation(learn<local, Channels, Units>(rule, every, modulated, split), expected) < 1e-11);
      }
    }
  }
}

}  // namespace

TEST_CASE("tiles and threads: no rule sees them, with all rows or some, with a modulator or none") {
  localis_test::for_each_rule([]<class Rule>(const Rule& rule) { check_splits<3, 5, Rule>(rule); });
}

TEST_CASE("tiles and threads: nor do signals and biases") {
  check_splits<3, 5, lo::rule::oja, lo::rule::running_normalized_signal, lo::rule::hebbian_bias>({});
  check_splits<3, 5, lo::rule::krotov_hopfield, lo::rule::batch_normalized_signal>({.power = 3});
}

TEST_CASE("tiles and threads: nor do sums that take off what units see, or few active gates") {
  check_splits<1, 10, lo::rule::subspace>({});   // more units than inputs
  check_splits<8, 16, lo::rule::k_winners>({});  // sparse
}
