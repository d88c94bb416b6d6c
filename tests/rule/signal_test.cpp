// What rules see as a unit's signal, and biases that learn.

#include <cmath>
#include <cstddef>
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

constexpr std::size_t inputs = 5;
constexpr std::size_t units = 3;

template <class Rule, class... Policies>
using layer = bench<lo::vector_input<inputs>, lo::dense<units, lo::rule::local<Rule, lo::rule::unguarded, Policies...>>,
                    reference>;

std::vector<double> responses(const std::vector<double>& x, const std::vector<double>& w) {
  std::vector<double> u(x.size() / inputs * units, 0.0);
  for (std::size_t p = 0; p < x.size() / inputs; ++p) {
    for (std::size_t o = 0; o < units; ++o) {
      for (std::size_t i = 0; i < inputs; ++i) u[p * units + o] += x[p * inputs + i] * w[o * inputs + i];
    }
  }
  return u;
}

struct moments {
  std::vector<double> mean = std::vector<double>(units, 0.0);
  std::vector<double> variance = std::vector<double>(units, 1.0);
};
moments moments_of(const std::vector<double>& u) {
  const auto rows = static_cast<double>(u.size() / units);
  moments result;
  for (std::size_t o = 0; o < units; ++o) {
    for (std::size_t at = o; at < u.size(); at += units) result.mean[o] += u[at] / rows;
    result.variance[o] = 0;
    for (std::size_t at = o; at < u.size(); at += units) {
      result.variance[o] += (u[at] - result.mean[o]) * (u[at] - result.mean[o]) / rows;
    }
  }
  return result;
}

/// One step of a rule whose gates see z in place of U.
template <class Rule>
std::vector<double> step_seeing(const Rule& rule, const std::vector<double>& x, const std::vector<double>& z,
                                const std::vector<double>& w, double eta) {
  const std::size_t rows = x.size() / inputs;
  std::vector<double> gates(units);
  std::vector<double> next = w;
  for (std::size_t p = 0; p < rows; ++p) {
    lo::rule::gate_row(rule, 0, units, z.data() + p * units, {}, gates.data());
    for (std::size_t o = 0; o < units; ++o) {
      const double forget = gates[o] * lo::rule::forget(rule, z[p * units + o]);
      for (std::size_t i = 0; i < inputs; ++i) {
        const std::size_t at = o * inputs + i;
        next[at] += eta / static_cast<double>(rows) * (gates[o] * x[p * inputs + i] - forget * w[at]);
      }
    }
  }
  return next;
}

std::vector<double> normalized(std::vector<double> u, const moments& by, double epsilon) {
  for (std::size_t at = 0; at < u.size(); ++at) {
    u[at] = (u[at] - by.mean[at % units]) / std::sqrt(by.variance[at % units] + epsilon);
  }
  return u;
}

/// A response and one product, besides the response of the read-out.
void check_work(const lo::check::multiply_adds& found, std::size_t values) {
  CHECK(found.response == values * units + values / inputs * units * 2);
  CHECK(found.rule == values * units);
}

template <class Rule>
void check_running(const Rule& rule) {
  layer<Rule, lo::rule::running_normalized_signal> one(9);
  one.layer().rule() = rule;
  one.layer().local().signal = {.momentum = 0.3, .epsilon = 0.02};
  std::vector<double> w = one.copy();
  moments running;
  CHECK(one.state("signal_mean") == running.mean);
  CHECK(one.state("signal_variance") == running.variance);
  for (std::uint64_t t = 0; t < 6; ++t) {
    std::vector<double> x = normal((t == 2 ? 4 : 9) * inputs, 50 + t);
    for (double& value : x) value += 0.5;
    const std::vector<double> u = responses(x, w);
    w = step_seeing(rule, x, normalized(u, running, 0.02), w, 0.05);
    const moments batch = moments_of(u);
    for (std::size_t o = 0; o < units; ++o) {
      running.mean[o] += 0.3 * (batch.mean[o] - running.mean[o]);
      running.variance[o] += 0.3 * (batch.variance[o] - running.variance[o]);
    }
    one.model.backend().counts() = {};
    one.step(x, 0.05);
    CHECK(deviation(one.weights(), w) < 1e-12);
    CHECK(deviation(one.state("signal_mean"), running.mean) < 1e-12);
    CHECK(deviation(one.state("signal_variance"), running.variance) < 1e-12);
    check_work(one.model.backend().counts(), x.size());  // one pass
  }
}

template <class Rule>
void check_batch(const Rule& rule) {
  layer<Rule, lo::rule::batch_normalized_signal> one(9);
  one.layer().rule() = rule;
  one.layer().local().signal.epsilon = 0.02;
  std::vector<double> w = one.copy();
  for (std::uint64_t t = 0; t < 4; ++t) {
    std::vector<double> x = normal((t == 2 ? 4 : 9) * inputs, 60 + t);
    for (double& value : x) value += 0.5;
    const std::vector<double> u = responses(x, w);
    w = step_seeing(rule, x, normalized(u, moments_of(u), 0.02), w, 0.05);
    one.model.backend().counts() = {};
    one.step(x, 0.05);
    CHECK(deviation(one.weights(), w) < 1e-12);
    check_work(one.model.backend().counts(), x.size());  // the response once
  }
  for (const auto& state : one.layer().states()) CHECK(state.size() == 0);
}

}  // namespace

TEST_CASE("running_normalized_signal: gates see the response by the statistics up to the step before") {
  check_running(lo::rule::oja{});
  check_running(lo::rule::k_winners{});
}

TEST_CASE("batch_normalized_signal: gates see the response by this batch's statistics") {
  check_batch(lo::rule::oja{});
  check_batch(lo::rule::soft_hebb{});
}

TEST_CASE("batch_normalized_signal: exact far from 0 too, and finite where a unit's response is one number") {
  layer<lo::rule::hebb, lo::rule::batch_normalized_signal> one(8);
  one.layer().local().signal.epsilon = 1e-5;
  const std::vector<double> w = one.copy();
  std::vector<double> x = normal(8 * inputs, 1);
  for (double& value : x) value += 1e4;
  const std::vector<double> u = responses(x, w);
  one.step(x, 1e-4);
  CHECK(deviation(one.weights(), step_seeing(lo::rule::hebb{}, x, normalized(u, moments_of(u), 1e-5), w, 1e-4)) < 1e-9);
  one.set(w);
  one.step(std::vector<double>(8 * inputs, 0.5), 0.1);
  CHECK(deviation(one.weights(), w) < 1e-12);  // every signal is 0
}

TEST_CASE("signals: the layer's own output is the response plus bias all the same") {
  const auto check = [](auto one) {
    const auto bias = one.layer().parameters()[1];
    for (std::size_t o = 0; o < units; ++o) bias.value[o] = 1 + static_cast<double>(o);
    const std::vector<double> x = normal(6 * inputs, 2);
    const auto out = one.model.forward(x, 6, {.boundary = 1, .local_rate = 0});
    const std::vector<double> expected(out.begin(), out.end());
    const auto found = one.model.forward(x, 6, {.boundary = 1, .local_rate = 0.1});
    CHECK(deviation(std::vector<double>(found.begin(), found.end()), expected) < 1e-15);
  };
  check(layer<lo::rule::oja, lo::rule::running_normalized_signal>(6));
  check(layer<lo::rule::oja, lo::rule::batch_normalized_signal>(6));
  check(layer<lo::rule::krotov_hopfield>(6));
  check(layer<lo::rule::sanger>(6));
  check(layer<lo::rule::oja, lo::rule::hebbian_bias>(6));
}

TEST_CASE("running_normalized_signal: its statistics rest in evaluation, at rate 0, and behind the boundary") {
  layer<lo::rule::oja, lo::rule::running_normalized_signal> one(8);
  const std::vector<double> x = normal(8 * inputs, 1);
  const auto mean = one.state("signal_mean");
  const auto variance = one.state("signal_variance");
  (void)one.model.predict(x, 8);
  one.step(x, 0);
  one.step(x, {.boundary = 0, .local_rate = 0.1});
  CHECK(one.state("signal_mean") == mean);
  CHECK(one.state("signal_variance") == variance);
}

TEST_CASE("hebbian_bias: from 0 on, one step is that of one more input that is always 1") {
  const auto check = [](const auto& rule) {
    using type = std::remove_cvref_t<decltype(rule)>;
    layer<type, lo::rule::hebbian_bias> one(7);
    using wider_layer = lo::dense<units, lo::no_bias, lo::rule::local<type, lo::rule::unguarded>>;
    bench<lo::vector_input<inputs + 1>, wider_layer, reference> wider(7);
    one.layer().rule() = rule;
    wider.layer().rule() = rule;
    const std::vector<double> x = normal(7 * inputs, 5);
    std::vector<double> more;
    for (std::size_t p = 0; p < 7; ++p) {
      for (std::size_t i = 0; i < inputs; ++i) more.push_back(x[p * inputs + i]);
      more.push_back(1);
    }
    std::vector<double> w;
    const std::vector<double> start = one.copy();
    for (std::size_t o = 0; o < units; ++o) {
      for (std::size_t i = 0; i < inputs; ++i) w.push_back(start[o * inputs + i]);
      w.push_back(0);
    }
    wider.set(w);
    one.step(x, 0.1);
    wider.step(more, 0.1);
    const auto bias = one.layer().parameters()[1];
    CAPTURE(lo::rule::name<type>());
    for (std::size_t o = 0; o < units; ++o) {
      CHECK(bias.value[o] == doctest::Approx(wider.weights()[o * (inputs + 1) + inputs]).epsilon(1e-12));
      for (std::size_t i = 0; i < inputs; ++i) {
        CHECK(one.weights()[o * inputs + i] == doctest::Approx(wider.weights()[o * (inputs + 1) + i]).epsilon(1e-12));
      }
    }
  };
  check(lo::rule::hebb{});
  check(lo::rule::oja{});
  check(lo::rule::instar{});
  check(lo::rule::k_winners{});
  check(lo::rule::soft_hebb{});
  check(lo::rule::bcm{});
}

TEST_CASE("hebbian_bias: several steps against the formula, and gates do not see the bias") {
  layer<lo::rule::oja, lo::rule::hebbian_bias> one(7);
  layer<lo::rule::oja> frozen(7);
  frozen.set(one.copy());
  std::vector<double> b{0.5, -1, 0.25};
  const auto bias = one.layer().parameters()[1];
  for (std::size_t o = 0; o < units; ++o) bias.value[o] = b[o];
  for (std::uint64_t t = 0; t < 4; ++t) {
    const std::vector<double> x = normal(7 * inputs, 70 + t);
    const std::vector<double> u = responses(x, one.copy());
    for (std::size_t o = 0; o < units; ++o) {
      double gates = 0;
      double c = 0;
      for (std::size_t at = o; at < u.size(); at += units) {
        gates += u[at] / 7;
        c += u[at] * u[at] / 7;
      }
      b[o] += 0.05 * 2 * (gates - c * b[o]);
    }
    one.step(x, 0.05, 2);
    frozen.step(x, 0.05, 2);
    for (std::size_t o = 0; o < units; ++o) CHECK(bias.value[o] == doctest::Approx(b[o]).epsilon(1e-12));
    CHECK(one.copy() == frozen.copy());
  }
}
