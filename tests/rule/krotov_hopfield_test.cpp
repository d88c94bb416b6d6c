// The rule of Krotov and Hopfield; and, for all rules with few active gates, the sparse sum against the product.

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "support/competition.hpp"
#include "support/ranges.hpp"
#include "support/rule_cases.hpp"
#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/backend/reference/backend.hpp>
#include <localis/check/counting.hpp>

namespace lo = localis;
using lo::rule::k_winners;
using lo::rule::krotov_hopfield;
using localis_test::bench;
using localis_test::check_range;
using localis_test::deviation;
using localis_test::infinity;
using localis_test::normal;
using localis_test::not_a_number;
using reference = lo::reference::backend<double>;
using counted_cpu = lo::check::counting<lo::cpu::backend<double>>;

namespace {

template <std::size_t Units>
std::array<double, Units> gates(const krotov_hopfield& rule, const std::array<double, Units>& v) {
  std::array<double, Units> result{};
  result.fill(-7);
  rule.gate_row(v.data(), result.data(), Units);
  return result;
}

/// The same rule, every gate multiplied.
template <class Rule>
struct dense_twin {
  Rule rule{};
  template <class T>
  constexpr void gate_row(const T* u, T* to, std::size_t units) const {
    rule.gate_row(u, to, units);
  }
  template <class T>
  constexpr T forget(T u) const {
    return rule.forget(u);
  }
};
static_assert(lo::rule::has_active_gates<k_winners> && !lo::rule::has_active_gates<dense_twin<k_winners>>);

template <class Rule>
using with = lo::rule::local<Rule, lo::rule::unguarded>;

template <class Rule>
void check_sparse(const Rule& rule, std::size_t active) {
  using input = lo::image<7, 6, 8>;
  using sampled = lo::rule::local<Rule, lo::rule::unguarded, lo::rule::sampled_rows>;
  using sampled_twin = lo::rule::local<dense_twin<Rule>, lo::rule::unguarded, lo::rule::sampled_rows>;
  constexpr std::size_t units = 16;
  const auto compare = [&](auto& sparse, auto& product, std::size_t rows, std::size_t seen, std::size_t every) {
    sparse.layer().rule() = rule;
    product.layer().rule().rule = rule;
    sparse.layer().local().rows.every = every;
    product.layer().local().rows.every = every;
    const std::vector<double> start = sparse.copy();
    product.set(start);
    for (std::uint64_t t = 0; t < 3; ++t) {
      const std::vector<double> x = normal(5 * 336, 40 + t);
      const lo::step_options how{.boundary = 1, .local_rate = 0.2, .step = t};
      sparse.model.backend().counts() = {};
      product.model.backend().counts() = {};
      sparse.step(x, how);
      product.step(x, how);
      const std::size_t learned = product.model.backend().counts().rule / (units * seen);
      CHECK(learned >= rows / every);
      CHECK(learned <= rows / every + 1);
      CHECK(sparse.model.backend().counts().rule == learned * active * seen);
    }
    CHECK(deviation(sparse.weights(), product.weights()) < 1e-13);
    CHECK(deviation(sparse.weights(), start) > 1e-2);
  };
  for (const std::size_t every : {1U, 5U}) {
    const lo::cpu::options options{.threads = 2, .tile_bytes = 1024, .grain = 1};
    const auto backend = [&] { return counted_cpu{lo::cpu::backend<double>{options}}; };
    bench<lo::vector_input<336>, lo::dense<units, sampled>, counted_cpu> dense(5, backend());
    bench<lo::vector_input<336>, lo::dense<units, sampled_twin>, counted_cpu> dense_product(5, backend());
    compare(dense, dense_product, 5, 336, every);
    using option = lo::padding<1>;
    bench<input, lo::conv2d<units, 3, option, sampled>, counted_cpu> conv(5, backend());
    bench<input, lo::conv2d<units, 3, option, sampled_twin>, counted_cpu> conv_product(5, backend());
    compare(conv, conv_product, 5 * 42, 72, every);
  }
}

}  // namespace

TEST_CASE("krotov_hopfield: rank 1 learns, rank k unlearns, the lower index first among equals") {
  CHECK(gates<4>({}, {1, 4, 2, 3}) == std::array<double, 4>{0, 1, 0, -0.4});
  CHECK(gates<4>({.rank = 3, .delta = 0.1}, {1, 4, 2, 3}) == std::array<double, 4>{0, 1, -0.1, 0});
  CHECK(gates<4>({.rank = 4}, {-1, -4, -2, -3}) == std::array<double, 4>{1, -0.4, 0, 0});
  CHECK(gates<4>({}, {2, 5, 5, 5}) == std::array<double, 4>{0, 1, -0.4, 0});
  CHECK(gates<3>({.rank = 3}, {5, 5, 5}) == std::array<double, 3>{1, 0, -0.4});
  CHECK(gates<3>({.rank = 4}, {1, 2, 3}) == std::array<double, 3>{0, 0, 1});  // too few units: none is pushed away
  CHECK(gates<1>({}, {-2}) == std::array<double, 1>{1});
}

TEST_CASE("krotov_hopfield: weights that responses see") {
  CHECK_FALSE(krotov_hopfield{}.weighs_response());
  const krotov_hopfield cubic{.power = 3};
  CHECK(cubic.weighs_response());
  CHECK(cubic.response_weight(-0.5) == doctest::Approx(-0.25).epsilon(1e-15));
  CHECK(cubic.response_weight(0.5) == doctest::Approx(0.25).epsilon(1e-15));
  CHECK(krotov_hopfield{.power = 1}.response_weight(-0.5) == -1);
}

TEST_CASE("krotov_hopfield: the winner's p-norm comes to 1") {
  constexpr std::size_t inputs = 5;
  constexpr std::size_t rows = 20;
  std::vector<double> x = normal(rows * inputs, 11);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::abs(x[i]) + (i % inputs == 2 ? 2 : 0);
  for (const double power : {2.0, 3.0, 4.0}) {
    CAPTURE(power);
    bench<lo::vector_input<inputs>, lo::dense<2, lo::no_bias, with<krotov_hopfield>>, reference> one(rows);
    one.layer().rule() = {.delta = 0, .power = power};
    // Unit 0 wins every row.
    one.set({0.5, 0.4, 0.6, 0.3, 0.2, 0.01, -0.02, -0.05, -0.01, -0.03});
    for (int i = 0; i < 6000; ++i) one.step(x, 0.02);
    double sum = 0;
    for (std::size_t i = 0; i < inputs; ++i) sum += std::pow(std::abs(one.weights()[i]), power);
    CHECK(sum == doctest::Approx(1).epsilon(1e-9));
    CHECK(one.weights()[inputs] == 0.01);  // with delta 0 who is second rests
    // And there it lies along the mean of the inputs it wins.
    std::array<double, inputs> mean{};
    for (std::size_t p = 0; p < rows; ++p) {
      for (std::size_t i = 0; i < inputs; ++i) mean[i] += x[p * inputs + i];
    }
    for (std::size_t i = 1; i < inputs; ++i) {
      CHECK(one.weights()[i] / one.weights()[0] == doctest::Approx(mean[i] / mean[0]).epsilon(1e-8));
    }
  }
}

TEST_CASE("krotov_hopfield: who is second is pushed away from the input") {
  bench<lo::vector_input<2>, lo::dense<2, lo::no_bias, with<krotov_hopfield>>, reference> one(1);
  one.set({1, 0, 0.5, 0});
  one.step({2, 1}, 0.1);  // V = (2, 1): G = (1, -0.4), c = (2, -0.4)
  const std::vector<double> expected{1 + 0.1 * (2 - 2), 0.1 * 1, 0.5 - 0.04 * (2 - 0.5), -0.04 * 1};
  CHECK(deviation(one.weights(), expected) < 1e-15);
}

TEST_CASE("few active gates: the sparse sum is the product, with a share of its work") {
  check_sparse(k_winners{}, 1);
  check_sparse(k_winners{.winners = 2}, 2);
  check_sparse(krotov_hopfield{}, 2);
  check_sparse(krotov_hopfield{.rank = 3, .delta = 0.1}, 2);
}

TEST_CASE("few active gates: from 8 units for each and 64 inputs on, else the product") {
  using counted = lo::check::counting<reference>;
  const auto work = [](auto one, std::size_t winners) {
    one.layer().rule().winners = winners;
    const std::size_t before = one.model.backend().counts().rule;
    one.step(normal(3 * decltype(one)::net::input.size(), 1), 0.01);
    return one.model.backend().counts().rule - before;
  };
  using wide = lo::vector_input<64>;
  CHECK(work(bench<wide, lo::dense<17, with<k_winners>>, counted>(3), 1) == 3 * 1 * 64);
  CHECK(work(bench<wide, lo::dense<17, with<k_winners>>, counted>(3), 2) == 3 * 2 * 64);
  CHECK(work(bench<wide, lo::dense<17, with<k_winners>>, counted>(3), 3) == 3 * 17 * 64);
  CHECK(work(bench<wide, lo::dense<8, with<k_winners>>, counted>(3), 1) == 3 * 1 * 64);
  CHECK(work(bench<wide, lo::dense<7, with<k_winners>>, counted>(3), 1) == 3 * 7 * 64);
  CHECK(work(bench<lo::vector_input<63>, lo::dense<17, with<k_winners>>, counted>(3), 1) == 3 * 17 * 63);
}

TEST_CASE("krotov_hopfield: an empty row changes nothing") {
  const std::vector<double> before{1, 2, 3, 4, 5, 6};
  CHECK(localis_test::after_empty_rows(krotov_hopfield{}) == before);
  CHECK(localis_test::after_empty_rows(krotov_hopfield{.power = 3}) == before);
}

TEST_CASE("krotov_hopfield: parameters out of range are named") {
  check_range("krotov_hopfield: rank", "at least 2", {0, 1}, {2, 7},
              [](double v) { return krotov_hopfield{.rank = static_cast<std::size_t>(v)}; });
  check_range("krotov_hopfield: delta", "a finite number >= 0", {-0.1, infinity, not_a_number}, {0, 1},
              [](double v) { return krotov_hopfield{.delta = v}; });
  check_range("krotov_hopfield: power", "a finite number >= 1", {0, 0.9, infinity, not_a_number}, {1, 2, 3.5},
              [](double v) { return krotov_hopfield{.power = v}; });
}
