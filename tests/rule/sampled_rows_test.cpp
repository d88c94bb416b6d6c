// Rules that learn from some rows of X only.

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <set>
#include <vector>

#include "support/rule_cases.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/check/counting.hpp>

namespace lo = localis;
using localis_test::bench;
using localis_test::deviation;
using localis_test::normal;
using reference = lo::check::counting<lo::reference::backend<double>>;

namespace {

template <class Rule>
using sampled = lo::rule::local<Rule, lo::rule::unguarded, lo::rule::sampled_rows>;

/// A textbook step on some rows of X alone: the mean is over these.
template <class Rule>
std::vector<double> step_on(const Rule& rule, const std::vector<double>& rows_of_x, std::size_t inputs,
                            const std::vector<double>& w, double eta, std::size_t first, std::size_t every) {
  std::vector<double> chosen;
  for (std::size_t p = first; p < rows_of_x.size() / inputs; p += every) {
    chosen.insert(chosen.end(), rows_of_x.begin() + static_cast<std::ptrdiff_t>(p * inputs),
                  rows_of_x.begin() + static_cast<std::ptrdiff_t>((p + 1) * inputs));
  }
  const lo::linear_map map{{1, 1, inputs}, {1, 1, w.size() / inputs}, {}};
  return lo::check::textbook_update(rule, map, chosen.size() / inputs, chosen, w, eta);
}

/// The first row that steps 0, 1, ... learned from, found by trying them all.
template <class Bench, class Rule>
std::vector<std::size_t> offsets(Bench& one, const Rule& rule, const lo::linear_map& map, std::size_t samples,
                                 std::size_t stride, std::size_t steps) {
  one.layer().rule() = rule;
  const std::vector<double> x = normal(samples * map.in.size(), 6);
  const std::vector<double> unfolded = localis_test::unfold(map, samples, x);
  const std::vector<double> start = one.copy();
  std::vector<std::size_t> found;
  for (std::size_t step = 0; step < steps; ++step) {
    one.set(start);
    one.model.backend().counts() = {};
    one.step(x, {.boundary = 1, .local_rate = 0.1, .step = step});
    std::vector<std::size_t> fits;
    for (std::size_t first = 0; first < stride; ++first) {
      if (deviation(one.weights(), step_on(rule, unfolded, map.inputs(), start, 0.1, first, stride)) < 1e-13) {
        fits.push_back(first);
      }
    }
    REQUIRE(fits.size() == 1);
    found.push_back(fits[0]);
    const std::size_t learned = (map.rows(samples) - fits[0] + stride - 1) / stride;
    CHECK(one.model.backend().counts().rule == learned * map.weights());
    const std::size_t read_out = samples * map.out.size() * 2;
    CHECK(one.model.backend().counts().response == map.rows(samples) * map.weights() + read_out);
  }
  return found;
}

template <class Rule, class... Options>
using conv_bench = bench<lo::image<5, 6, 2>, lo::conv2d<4, 3, lo::padding<1>, sampled<Rule>, Options...>, reference>;

constexpr lo::linear_map conv_map = lo::conv2d<4, 3, lo::padding<1>>::describe({5, 6, 2}).map();

}  // namespace

TEST_CASE("sampled_rows: the rule on exactly those rows, and offsets differ from step to step, and all come") {
  conv_bench<lo::rule::oja> one(2);
  one.layer().local().rows.every = 7;  // no common divisor with the width of 6
  const auto found = offsets(one, lo::rule::oja{}, conv_map, 2, 7, 60);
  CHECK(std::set<std::size_t>(found.begin(), found.end()).size() == 7);
  // Once more: the same offsets. They are those of (seed, step).
  CHECK(offsets(one, lo::rule::oja{}, conv_map, 2, 7, 60) == found);
}

TEST_CASE("sampled_rows: another seed, other offsets") {
  using net = conv_bench<lo::rule::hebb>::net;
  const std::vector<double> x = normal(2 * 60, 6);
  const auto run = [&](std::uint64_t seed) {
    lo::model<net, reference> m{{.seed = seed}};
    m.prepare({.batch = 2});
    m.layer<0>().local().rows.every = 7;
    const auto weight = m.layer<0>().parameters()[0];
    std::vector<double> all;
    for (std::uint64_t step = 0; step < 6; ++step) {
      for (std::size_t i = 0; i < weight.size(); ++i) weight.value[i] = 0.01 * static_cast<double>(i);
      m.forward(x, 2, {.boundary = 1, .local_rate = 0.1, .step = step});
      all.insert(all.end(), weight.value, weight.value + weight.size());
    }
    return all;
  };
  CHECK(run(1) == run(1));
  CHECK(run(1) != run(2));
}

TEST_CASE("sampled_rows: the stride has no common divisor with the width of the map") {
  // Width 6: 2 and 3 and 4 become 5; dense: any will do.
  for (const std::size_t every : {2U, 3U, 4U, 5U}) {
    conv_bench<lo::rule::oja> one(2);
    one.layer().local().rows.every = every;
    (void)offsets(one, lo::rule::oja{}, conv_map, 2, 5, 4);
  }
  constexpr lo::linear_map map{{1, 1, 6}, {1, 1, 4}, {}};
  bench<lo::vector_input<6>, lo::dense<4, sampled<lo::rule::oja>>, reference> dense(12);
  dense.layer().local().rows.every = 4;
  (void)offsets(dense, lo::rule::oja{}, map, 12, 4, 6);
}

TEST_CASE("sampled_rows: for every kind of rule") {
  const auto check = [](const auto& rule) {
    using type = std::remove_cvref_t<decltype(rule)>;
    conv_bench<type> one(2);
    one.layer().local().rows.every = 5;
    one.layer().rule() = rule;
    const std::vector<double> x = normal(2 * 60, 6);
    const std::vector<double> unfolded = localis_test::unfold(conv_map, 2, x);
    const std::vector<double> start = one.copy();
    one.step(x, {.boundary = 1, .local_rate = 0.1, .step = 3});
    std::size_t fits = 0;
    for (std::size_t first = 0; first < 5; ++first) {
      fits += deviation(one.weights(), step_on(rule, unfolded, 18, start, 0.1, first, 5)) < 1e-12 ? 1U : 0U;
    }
    CAPTURE(lo::rule::name<type>());
    CHECK(fits == 1);
  };
  check(lo::rule::hebb{.decay = 0.3});
  check(lo::rule::k_winners{.winners = 2});
  check(lo::rule::soft_hebb{.rate_power = 0.5});
  check(lo::rule::krotov_hopfield{.power = 3});
  check(lo::rule::subspace{});
  check(lo::rule::sanger{});
  check(lo::rule::bcm{});
  check(lo::rule::covariance{});
}

TEST_CASE("sampled_rows: subspace chooses its form by the rows it learns from") {
  bench<lo::vector_input<6>, lo::dense<4, sampled<lo::rule::subspace>>, reference> one(30);
  const std::vector<double> x = normal(30 * 6, 1);
  const auto work = [&](std::size_t every) {
    one.layer().local().rows.every = every;
    one.model.backend().counts() = {};
    one.step(x, 0.01);
    return one.model.backend().counts().rule;
  };
  CHECK(work(1) == 30 * 24 + 30 * 16 + 16 * 6);
  CHECK(work(10) == 2 * 3 * 24);
}

TEST_CASE("sampled_rows: fewer rows than the stride still give one") {
  bench<lo::vector_input<6>, lo::dense<4, sampled<lo::rule::hebb>>, reference> one(3);
  one.layer().local().rows.every = 100;
  const std::vector<double> x = normal(3 * 6, 1);
  std::set<std::size_t> seen;
  const std::vector<double> start = one.copy();
  for (std::uint64_t step = 0; step < 20; ++step) {
    one.set(start);
    one.step(x, {.boundary = 1, .local_rate = 0.1, .step = step});
    for (std::size_t first = 0; first < 3; ++first) {
      if (deviation(one.weights(), step_on(lo::rule::hebb{}, x, 6, start, 0.1, first, 100)) < 1e-13) seen.insert(first);
    }
  }
  CHECK(seen.size() == 3);
  one.layer().local().rows.every = 0;
  CHECK_THROWS_WITH_AS(one.model.validate(), "sampled_rows: every: expected at least 1, found 0", lo::config_error);
}
