#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "support/bench.hpp"
#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/check/rule.hpp>
#include <localis/optimizer/adam.hpp>
#include <localis/rule/bcm.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/rule/krotov_hopfield.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>
#include <localis/rule/soft_hebb.hpp>

namespace lo = localis;
using localis_test::check_range;
using localis_test::deviation;
using localis_test::infinity;
using localis_test::norm;
using localis_test::normal;
using localis_test::not_a_number;
using reference = lo::reference::backend<double>;

namespace {

constexpr std::size_t inputs = 6;
constexpr std::size_t units = 3;
constexpr std::size_t rows = 8;
constexpr lo::linear_map map{{1, 1, inputs}, {1, 1, units}, {}};

template <class Rule, class... Policies>
using layer =
    localis_test::bench<lo::vector_input<inputs>, lo::dense<units, lo::rule::local<Rule, Policies...>>, reference>;

/// What the rule adds to W for eta = 1.
template <class Rule>
std::vector<double> ascent(const Rule& rule, const std::vector<double>& x, const std::vector<double>& w) {
  std::vector<double> d = lo::check::textbook_update(rule, map, x.size() / inputs, x, w, 1);
  for (std::size_t i = 0; i < d.size(); ++i) d[i] -= w[i];
  return d;
}

std::vector<double> sum(std::vector<double> a, const std::vector<double>& b, double factor) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += factor * b[i];
  return a;
}

/// A rule whose units all learn at twice the rate.
template <class Rule>
struct twice : Rule {
  template <class T>
  constexpr T unit_rate(T) const {
    return T(2);
  }
};

double change(const std::vector<double>& a, const std::vector<double>& b) { return norm(sum(a, b, -1)); }

}  // namespace

TEST_CASE("absolute_step: its scale multiplies the rate") {
  layer<lo::rule::hebb> one(rows);
  one.layer().local().step.scale = 3;
  const std::vector<double> start = one.copy();
  const std::vector<double> x = normal(rows * inputs, 1);
  one.step(x, 0.01);
  CHECK(deviation(one.copy(), sum(start, ascent(lo::rule::hebb{}, x, start), 0.03)) < 1e-14);
  one.layer().local().step.scale = 0;
  const std::vector<double> frozen = one.copy();
  one.step(x, 0.01);
  CHECK(one.copy() == frozen);
}

TEST_CASE("momentum: two steps by hand, plain and Nesterov") {
  for (const bool nesterov : {false, true}) {
    layer<lo::rule::hebb, lo::rule::momentum> one(rows);
    one.layer().local().optimizer = {.momentum = 0.8, .nesterov = nesterov};
    const std::vector<double> w0 = one.copy();
    const std::vector<double> x = normal(rows * inputs, 1);
    const std::vector<double> d1 = ascent(lo::rule::hebb{}, x, w0);
    const std::vector<double> w1 = sum(w0, d1, nesterov ? 0.02 * 1.8 : 0.02);
    one.step(x, 0.02);
    CHECK(deviation(one.copy(), w1) < 1e-14);
    const std::vector<double> d2 = ascent(lo::rule::hebb{}, x, w1);
    const std::vector<double> v2 = sum(d2, d1, 0.8);
    const std::vector<double> w2 = nesterov ? sum(sum(w1, d2, 0.02), v2, 0.02 * 0.8) : sum(w1, v2, 0.02);
    one.step(x, 0.02);
    CHECK(deviation(one.copy(), w2) < 1e-14);
  }
}

TEST_CASE("relative_step: an update moves the weights by the given share of their norm, in the rule's direction") {
  layer<lo::rule::oja, lo::rule::relative_step> one(rows);
  const std::vector<double> x = normal(rows * inputs, 1);
  const std::vector<double> start = one.copy();
  one.step(x, 1e-3);
  const std::vector<double> d = ascent(lo::rule::oja{}, x, start);
  CHECK(change(one.copy(), start) == doctest::Approx(1e-3 * norm(start)).epsilon(1e-12));
  CHECK(deviation(one.copy(), sum(start, d, 1e-3 * norm(start) / norm(d))) < 1e-14);
  CHECK(one.model.read_update_statistics().change[0] ==
        doctest::Approx(1e-6 * norm(start) * norm(start)).epsilon(1e-11));

  one.set(start);
  one.layer().local().step.scale = 2;
  one.step(x, 1e-3, 0.25);
  CHECK(change(one.copy(), start) == doctest::Approx(0.5e-3 * norm(start)).epsilon(1e-12));
}

TEST_CASE("relative_step: no step where the direction is 0") {
  layer<lo::rule::oja, lo::rule::relative_step> one(rows);
  const std::vector<double> start = one.copy();
  one.step(std::vector<double>(rows * inputs, 0.0), 1e-3);
  CHECK(one.copy() == start);
  CHECK(one.model.read_update_statistics().change[0] == 0);
}

TEST_CASE("max_abs_step: the weight that moves most moves by rate times gain, in the rule's direction") {
  layer<lo::rule::krotov_hopfield, lo::rule::max_abs_step, lo::rule::unguarded> one(rows);
  const std::vector<double> x = normal(rows * inputs, 1);
  const std::vector<double> start = one.copy();
  const std::vector<double> d = ascent(lo::rule::krotov_hopfield{}, x, start);
  double most = 0;
  for (const double v : d) most = std::max(most, std::abs(v));
  one.step(x, 0.02, 1.5);
  double moved = 0;
  for (std::size_t i = 0; i < d.size(); ++i) moved = std::max(moved, std::abs(one.weights()[i] - start[i]));
  CHECK(moved == doctest::Approx(0.03).epsilon(1e-13));
  CHECK(deviation(one.copy(), sum(start, d, 0.03 / most)) < 1e-14);

  one.set(start);
  one.layer().local().step.scale = 0.5;
  one.step(x, 0.02);
  CHECK(deviation(one.copy(), sum(start, d, 0.01 / most)) < 1e-14);

  one.set(start);
  one.step(std::vector<double>(rows * inputs, 0.0), 0.02);  // no direction, no step
  CHECK(one.copy() == start);
}

TEST_CASE("units' own rates multiply the step that a norm, an optimizer and the rate have made, against a plain loop") {
  constexpr double power = 0.5;
  const auto agrees = [&]<class Step>(Step) {
    layer<lo::rule::soft_hebb, Step, lo::rule::momentum, lo::rule::unguarded> one(rows);
    one.layer().rule() = {.sharpness = 2, .rate_power = power};
    one.layer().local().optimizer.momentum = 0.7;
    std::vector<double> w = one.copy();
    std::vector<double> velocity(w.size(), 0.0);
    for (std::uint64_t t = 0; t < 5; ++t) {
      const std::vector<double> x = normal(rows * inputs, 30 + t);
      one.step(x, 0.02, 1.5);
      const std::vector<double> d = ascent(lo::rule::soft_hebb{.sharpness = 2}, x, w);
      double eta = 0.02 * 1.5;
      if (Step::divided_by == lo::rule::step_norm::relative) eta *= norm(w) / norm(d);
      if (Step::divided_by == lo::rule::step_norm::max_abs) {
        eta /= std::abs(
            *std::max_element(d.begin(), d.end(), [](double a, double b) { return std::abs(a) < std::abs(b); }));
      }
      for (std::size_t o = 0; o < units; ++o) {
        double squares = 0;
        for (std::size_t i = o * inputs; i < (o + 1) * inputs; ++i) squares += w[i] * w[i];
        const double own = eta * std::pow(std::abs(std::sqrt(squares) - 1), power);
        for (std::size_t i = o * inputs; i < (o + 1) * inputs; ++i) {
          velocity[i] = 0.7 * velocity[i] + d[i];
          w[i] += own * velocity[i];
        }
      }
      CHECK(deviation(one.copy(), w) < 1e-13);
    }
  };
  agrees(lo::rule::absolute_step{});
  agrees(lo::rule::relative_step{});
  agrees(lo::rule::max_abs_step{});
}

TEST_CASE("momentum: any optimizer's step, on the rule's direction") {
  layer<lo::rule::oja, lo::optimizer::adam, lo::rule::unguarded> one(rows);
  one.layer().local().optimizer = {.beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-3, .weight_decay = 0.1};
  std::vector<double> w = one.copy();
  std::vector<double> first(w.size(), 0.0);
  std::vector<double> second(w.size(), 0.0);
  for (int t = 1; t <= 5; ++t) {
    const std::vector<double> x = normal(rows * inputs, 20 + static_cast<std::uint64_t>(t));
    const std::vector<double> d = ascent(lo::rule::oja{}, x, w);
    one.step(x, 0.02);
    for (std::size_t i = 0; i < w.size(); ++i) {
      const double g = d[i] - 0.1 * w[i];
      first[i] = 0.8 * first[i] + 0.2 * g;
      second[i] = 0.95 * second[i] + 0.05 * g * g;
      const double mean = first[i] / (1 - std::pow(0.8, t));
      w[i] += 0.02 * mean / (std::sqrt(second[i] / (1 - std::pow(0.95, t))) + 1e-3);
    }
    CHECK(deviation(one.copy(), w) < 1e-12);
  }

  layer<lo::rule::hebb, lo::rule::momentum> decays(rows);
  decays.layer().local().optimizer = {.momentum = 0, .weight_decay = 0.25};
  const std::vector<double> start = decays.copy();
  const std::vector<double> x = normal(rows * inputs, 1);
  decays.step(x, 0.1);
  CHECK(deviation(decays.copy(), sum(sum(start, ascent(lo::rule::hebb{}, x, start), 0.1), start, -0.025)) < 1e-14);
}

TEST_CASE("the guard looks at the step that is taken: rate, gain, the unit's own rate and the step's norm") {
  // c of row o is sum u^2 / P, from 1: clipped where eta c > 1.
  layer<lo::rule::oja> one(rows);
  const std::vector<double> x = normal(rows * inputs, 1);
  std::vector<double> start = one.copy();
  double largest = 0;
  double second = 0;
  for (std::size_t o = 0; o < units; ++o) {
    double c = 0;
    for (std::size_t p = 0; p < rows; ++p) {
      double u = 0;
      for (std::size_t i = 0; i < inputs; ++i) u += x[p * inputs + i] * start[o * inputs + i];
      c += u * u / rows;
    }
    second = std::max(second, std::min(c, largest));
    largest = std::max(largest, c);
  }
  REQUIRE(second < 0.9 * largest);
  const auto clips = [&](double rate, double gain) {
    one.set(start);
    const double before = one.model.read_update_statistics().clips[0];
    one.step(x, rate, gain);
    return one.model.read_update_statistics().clips[0] - before;
  };
  CHECK(clips(0.999 / largest, 1) == 0);
  CHECK(clips(1.001 / largest, 1) == 1);
  CHECK(clips(0.5 / largest, 1.9) == 0);
  CHECK(clips(0.5 / largest, 2.1) == 1);
  CHECK(clips(1.001 / second, 1) >= 2);

  layer<twice<lo::rule::oja>> rated(rows);
  rated.set(start);
  rated.step(x, 0.45 / largest);
  CHECK(rated.model.read_update_statistics().clips[0] == 0);
  rated.set(start);
  rated.step(x, 0.55 / largest);
  CHECK(rated.model.read_update_statistics().clips[0] == 1);

  // Where the relative step would turn a row around, the row is cut as well.
  layer<lo::rule::oja, lo::rule::relative_step> relative(rows);
  relative.set(start);
  relative.step(x, 1e-6);
  CHECK(relative.model.read_update_statistics().clips[0] == 0);
  for (double& w : start) w *= 10;
  relative.set(start);
  relative.step(x, 5);
  CHECK(relative.model.read_update_statistics().clips[0] > 0);
}

TEST_CASE(
    "p_norm_rows: every row has p-norm 1 after the step, in the direction the step gave it, and a zero row stays") {
  layer<lo::rule::hebb, lo::rule::p_norm_rows> one(rows);
  one.layer().local().constraint.power = 3;
  std::vector<double> start = one.copy();
  for (std::size_t i = 0; i < inputs; ++i) start[i] = 0;
  one.set(start);
  const std::vector<double> x = normal(rows * inputs, 1);
  const std::vector<double> stepped = sum(start, ascent(lo::rule::hebb{}, x, start), 0.1);
  one.step(x, 0.1);
  for (std::size_t o = 0; o < units; ++o) {
    double expected = 0;
    for (std::size_t i = 0; i < inputs; ++i) expected += std::pow(std::abs(stepped[o * inputs + i]), 3);
    expected = std::cbrt(expected);
    for (std::size_t i = 0; i < inputs; ++i) {
      const double wanted = o == 0 ? 0 : stepped[o * inputs + i] / expected;
      CHECK(one.weights()[o * inputs + i] == doctest::Approx(wanted).epsilon(1e-13));
    }
  }
  one.layer().local().constraint.power = 0.5;
  CHECK_THROWS_WITH_AS(one.model.validate(), "p_norm_rows: power: expected a finite number >= 1, found 0.5",
                       lo::config_error);
}

TEST_CASE("clip_weights: no weight is beyond the limit after the step, the others are as it made them") {
  layer<lo::rule::hebb, lo::rule::clip_weights> one(rows);
  one.layer().local().constraint.limit = 0.6;
  const std::vector<double> start = one.copy();
  const std::vector<double> x = normal(rows * inputs, 1);
  std::vector<double> stepped = sum(start, ascent(lo::rule::hebb{}, x, start), 0.1);
  one.step(x, 0.1);
  std::size_t beyond = 0;
  for (double& w : stepped) {
    if (std::abs(w) <= 0.6) continue;
    ++beyond;
    w = w > 0 ? 0.6 : -0.6;
  }
  CHECK(beyond > 0);
  CHECK(beyond < stepped.size());
  CHECK(deviation(one.copy(), stepped) < 1e-14);
  one.layer().local().constraint.limit = 0;
  CHECK_THROWS_WITH_AS(one.model.validate(), "clip_weights: limit: expected a finite number > 0, found 0",
                       lo::config_error);
}

TEST_CASE("unit_rows: every row has norm 1 after the step, in the direction the step gave it, and a zero row stays") {
  layer<lo::rule::hebb, lo::rule::unit_rows> one(rows);
  std::vector<double> start = one.copy();
  for (std::size_t i = 0; i < inputs; ++i) start[inputs + i] = 0;  // U = 0 there, and so is the step
  one.set(start);
  const std::vector<double> x = normal(rows * inputs, 1);
  one.step(x, 0.1);
  const std::vector<double> stepped = sum(start, ascent(lo::rule::hebb{}, x, start), 0.1);
  for (std::size_t o = 0; o < units; ++o) {
    const std::vector<double> expected(stepped.begin() + static_cast<std::ptrdiff_t>(o * inputs),
                                       stepped.begin() + static_cast<std::ptrdiff_t>((o + 1) * inputs));
    for (std::size_t i = 0; i < inputs; ++i) {
      const double wanted = o == 1 ? 0 : expected[i] / norm(expected);
      CHECK(one.weights()[o * inputs + i] == doctest::Approx(wanted).epsilon(1e-13));
    }
  }
}

TEST_CASE("clip_scale: rows whose scale is negative are cut at 0 and counted, the others are the formula's") {
  layer<lo::rule::oja> one(rows);  // clip_scale is the default
  std::vector<double> start = one.copy();
  for (std::size_t i = 0; i < inputs; ++i) {
    start[i] *= 0.05;             // row 0: small response, a positive scale
    start[inputs + i] *= 5;       // row 1: clipped
    start[2 * inputs + i] *= 10;  // row 2: clipped
  }
  one.set(start);
  const std::vector<double> x = normal(rows * inputs, 1);
  const double eta = 0.3;
  one.step(x, eta);
  const std::vector<double> hebbian = ascent(lo::rule::hebb{}, x, start);
  const std::vector<double> full = sum(start, ascent(lo::rule::oja{}, x, start), eta);
  for (std::size_t i = 0; i < units * inputs; ++i) {
    const double expected = i < inputs ? full[i] : eta * hebbian[i];
    CHECK(one.weights()[i] == doctest::Approx(expected).epsilon(1e-12));
  }
  CHECK(one.model.read_update_statistics().clips[0] == 2);
  CHECK_FALSE(one.model.read_update_statistics().failed[0]);
  one.set(start);
  one.step(x, eta);
  CHECK(one.model.read_update_statistics().clips[0] == 4);  // all so far
}

TEST_CASE("unguarded: a negative scale is the formula's and is not counted, and fail_on_negative_scale reports it") {
  const std::vector<double> x = normal(rows * inputs, 1);
  layer<lo::rule::oja, lo::rule::unguarded> free(rows);
  std::vector<double> start = free.copy();
  for (double& w : start) w *= 8;
  const auto go = [&](auto& one, double eta) {
    one.set(start);
    one.step(x, eta);
  };
  go(free, 0.3);
  CHECK(deviation(free.copy(), sum(start, ascent(lo::rule::oja{}, x, start), 0.3)) < 1e-13);
  CHECK(free.model.read_update_statistics().clips[0] == 0);
  layer<lo::rule::oja, lo::rule::fail_on_negative_scale> strict(rows);
  go(strict, 1e-5);
  CHECK_FALSE(strict.model.read_update_statistics().failed[0]);
  CHECK(deviation(strict.copy(), sum(start, ascent(lo::rule::oja{}, x, start), 1e-5)) < 1e-14);
  go(strict, 0.3);
  CHECK(strict.model.read_update_statistics().failed[0]);
}

TEST_CASE("policies together, in any order: momentum, relative step, unit rows against a plain loop") {
  layer<lo::rule::oja, lo::rule::unit_rows, lo::rule::momentum, lo::rule::relative_step, lo::rule::unguarded> one(rows);
  one.layer().local().optimizer.momentum = 0.7;
  std::vector<double> w = one.copy();
  std::vector<double> velocity(w.size(), 0.0);
  for (std::uint64_t t = 0; t < 5; ++t) {
    const std::vector<double> x = normal(rows * inputs, 10 + t);
    const double gain = 1 + 0.1 * static_cast<double>(t);
    one.step(x, 0.02, gain);
    const std::vector<double> d = ascent(lo::rule::oja{}, x, w);
    const double eta = 0.02 * gain * norm(w) / norm(d);
    for (std::size_t i = 0; i < w.size(); ++i) {
      velocity[i] = 0.7 * velocity[i] + d[i];
      w[i] += eta * velocity[i];
    }
    for (std::size_t o = 0; o < units; ++o) {
      double squares = 0;
      for (std::size_t i = 0; i < inputs; ++i) squares += w[o * inputs + i] * w[o * inputs + i];
      for (std::size_t i = 0; i < inputs; ++i) w[o * inputs + i] /= std::sqrt(squares);
    }
    CHECK(deviation(one.copy(), w) < 1e-13);
  }
}

TEST_CASE("policies: parameters out of range are named, each by the rule that carries it") {
  using namespace lo::rule;
  using full = local<oja, clip_weights, running_normalized_signal, sampled_rows, lo::optimizer::adam>;
  check_range("local step: scale", "a finite number >= 0", {-1, infinity, not_a_number}, {0, 2}, [](double v) {
    full l;
    l.step.scale = v;
    return l;
  });
  check_range("clip_weights: limit", "a finite number > 0", {0, -1, infinity, not_a_number}, {1e-3, 5}, [](double v) {
    full l;
    l.constraint.limit = v;
    return l;
  });
  check_range("running_normalized_signal: momentum", "a number in (0, 1]", {0, -1, 1.5, not_a_number}, {0.01, 1},
              [](double v) {
                full l;
                l.signal.momentum = v;
                return l;
              });
  check_range("running_normalized_signal: epsilon", "a finite number > 0", {0, -1, infinity, not_a_number}, {1e-9, 1},
              [](double v) {
                full l;
                l.signal.epsilon = v;
                return l;
              });
  check_range("sampled_rows: every", "at least 1", {0}, {1, 50}, [](double v) {
    full l;
    l.rows.every = static_cast<std::size_t>(v);
    return l;
  });
  check_range("adam: beta1", "a number in [0, 1)", {-0.1, 1, not_a_number}, {0, 0.99}, [](double v) {
    full l;
    l.optimizer.beta1 = v;
    return l;
  });
  check_range("batch_normalized_signal: epsilon", "a finite number > 0", {0, -1, infinity, not_a_number}, {1e-9, 1},
              [](double v) {
                local<oja, batch_normalized_signal> l;
                l.signal.epsilon = v;
                return l;
              });
  check_range("p_norm_rows: power", "a finite number >= 1", {0.5, 0, infinity, not_a_number}, {1, 4}, [](double v) {
    local<oja, p_norm_rows> l;
    l.constraint.power = v;
    return l;
  });
  check_range("sgd: momentum", "a number in [0, 1)", {-0.1, 1, not_a_number}, {0, 0.99}, [](double v) {
    local<oja, momentum> l;
    l.optimizer.momentum = v;
    return l;
  });
  check_range("bcm: state_rate", "a number in (0, 1]", {0}, {1}, [](double v) {
    local<bcm, unit_rows> l;
    l.rule.state_rate = v;
    return l;
  });
}

TEST_CASE("eligibility_trace: several steps against a plain loop, with rewards of both signs and zero") {
  using namespace lo::rule;
  const std::vector<double> rewards{1, -2, 0, 0.5, -0.25, 3};
  const auto check = [&]<class... Policies>(const auto& move, Policies...) {
    layer<hebb, eligibility_trace, Policies...> one(rows);
    one.layer().rule() = {.decay = 0.1};
    one.layer().local().trace.decay = 0.75;
    std::vector<double> w = one.copy();
    std::vector<double> trace(w.size(), 0.0);
    std::vector<double> momentum(w.size(), 0.0);
    CHECK(one.state("trace") == trace);
    for (std::size_t t = 0; t < rewards.size(); ++t) {
      const std::vector<double> x = normal(rows * inputs, 40 + t);
      one.step(x, {.boundary = 1, .local_rate = 0.02, .reward = rewards[t]});
      // The directions in the order of the library, so that the rest of the step can be compared to the last bits.
      std::vector<double> d(w.size(), 0.0);
      for (std::size_t o = 0; o < units; ++o) {
        for (std::size_t p = 0; p < rows; ++p) {
          double u = 0;
          for (std::size_t i = 0; i < inputs; ++i) u += x[p * inputs + i] * w[o * inputs + i];
          for (std::size_t i = 0; i < inputs; ++i) d[o * inputs + i] += u * x[p * inputs + i];
        }
        for (std::size_t i = 0; i < inputs; ++i) {
          d[o * inputs + i] = d[o * inputs + i] / static_cast<double>(rows) - 0.1 * w[o * inputs + i];
        }
      }
      for (std::size_t k = 0; k < w.size(); ++k) trace[k] = 0.75 * trace[k] + d[k];
      move(w, trace, momentum, rewards[t]);
      CHECK(deviation(one.state("trace"), trace) < 1e-15);
      CHECK(deviation(one.weights(), w) < 1e-15);
    }
  };
  check([](auto& w, const auto& trace, auto&, double reward) {
    for (std::size_t k = 0; k < w.size(); ++k) w[k] += 0.02 * reward * trace[k];
  });
  // The norm of a relative step is that of the trace; a reward of -2 is twice as large a step back as one of 1 is
  // ahead.
  check(
      [](auto& w, const auto& trace, auto&, double reward) {
        const double eta = 0.02 * norm(w) / norm(trace);
        for (std::size_t k = 0; k < w.size(); ++k) w[k] += eta * reward * trace[k];
      },
      relative_step{});
  // The momentum of an optimizer holds rewarded traces.
  check(
      [](auto& w, const auto& trace, auto& held, double reward) {
        for (std::size_t k = 0; k < w.size(); ++k) {
          held[k] = 0.9 * held[k] + reward * trace[k];
          w[k] += 0.02 * held[k];
        }
      },
      momentum{});
}

TEST_CASE("eligibility_trace: the direction that is kept is that of the trace after the step, times the reward") {
  using namespace lo::rule;
  layer<oja, eligibility_trace> one(rows);
  one.layer().keep_direction(one.model.backend());
  for (std::uint64_t t = 0; t < 3; ++t) {
    const lo::step_options options{.boundary = 1, .local_rate = 0.02, .reward = t == 1 ? -0.5 : 2.0};
    lo::step_options dry = options;
    dry.apply_updates = false;
    const std::vector<double> x = normal(rows * inputs, 50 + t);
    const std::vector<double> before = one.state("trace");
    one.step(x, dry);
    CHECK(one.state("trace") == before);
    const std::vector<double> kept(one.layer().direction().begin(), one.layer().direction().end());
    one.step(x, options);
    CHECK(deviation(kept, one.layer().direction()) < 1e-15);
    std::vector<double> expected = one.state("trace");
    for (double& value : expected) value *= options.reward;
    CHECK(deviation(kept, expected) < 1e-14);
  }
}

TEST_CASE("eligibility_trace: a rate of 0 leaves it unchanged, and a decay has a range") {
  using namespace lo::rule;
  layer<oja, eligibility_trace> one(rows);
  one.step(normal(rows * inputs, 1), 0.1);
  const std::vector<double> trace = one.state("trace");
  one.step(normal(rows * inputs, 2), 0.0);
  CHECK(one.state("trace") == trace);
  check_range("eligibility_trace: decay", "a number in [0, 1]", {-0.1, 1.1, infinity, not_a_number}, {0, 0.5, 1},
              [](double v) { return eligibility_trace{v}; });
}

TEST_CASE("eligibility_trace: a reward needs one, and must be finite") {
  using namespace lo::rule;
  layer<oja> without(rows);
  layer<oja, eligibility_trace> with(rows);
  CHECK_FALSE(decltype(without.model)::has_traces);
  CHECK(decltype(with.model)::has_traces);
  CHECK_THROWS_WITH_AS(
      without.step(normal(rows * inputs, 1), {.boundary = 1, .reward = 2}),
      "model::forward: reward: expected 1, since no rule of the network has an eligibility_trace, found 2",
      lo::config_error);
  CHECK_THROWS_WITH_AS(with.step(normal(rows * inputs, 1), {.boundary = 1, .reward = infinity}),
                       "model::forward: reward: expected a finite number, found inf", lo::config_error);
}
