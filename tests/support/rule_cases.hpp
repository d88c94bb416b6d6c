#pragma once

#include <cstddef>
#include <type_traits>
#include <vector>

#include "support/bench.hpp"
#include "support/seeing_rules.hpp"
#include "support/squash.hpp"
#include <doctest/doctest.h>

#include <localis/check/rule.hpp>
#include <localis/kernel/unfold.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/shipped.hpp>

/// What rules are tested with, on any backend whose arrays lie on the host.
namespace localis_test {

/// Written outside the library: Oja's with a cubic gate, and a decay.
struct cubic {
  double strength = 0.2;
  double decay = 0.05;
  template <class T>
  constexpr T gate(T u) const {
    return static_cast<T>(strength) * u * u * u;
  }
  template <class T>
  constexpr T forget(T u) const {
    return u;
  }
};

/// The textbook loop, and batch = mean of samples: dense, and convolution with stride and padding.
template <class Rule, class Backend>
void check_formula(const Rule& value = {}) {
  const localis::check::result found = localis::check::rule<Rule, Backend>(value);
  CHECK_MESSAGE(found.passed, found);
  CHECK(found.deviation < 1e-12);
}

/// f(rule) for values with which a rule takes another way than with its default ones, and for a rule of one's own.
template <class F>
void for_each_other_value(const F& f) {
  using namespace localis::rule;
  f(hebb{.decay = 0.3});
  f(k_winners{.winners = 2});
  f(soft_winner_take_all{.temperature = 0.5});
  f(soft_hebb{.sharpness = 2});
  f(soft_hebb{.rate_power = 0.5});
  f(krotov_hopfield{.rank = 3, .delta = 0.1, .power = 3});
  f(nonlinear_hpca<squash>{});
  f(bcm{.form = bcm_form::ratio});
  f(cubic{});
  f(normed{});
  f(two_thresholds{});
  f(bounded{});
}

/// check_formula() for every rule that is shipped and learns from gates, for other values, and for a pre(x) that is not
/// 0 where padding is.
template <class Backend>
void check_rules() {
  localis::rule::for_each_rule(localis::rule::shipped{}, []<class Rule>(std::type_identity<Rule>) {
    if constexpr (!localis::rule::supervised<Rule>) check_formula<Rule, Backend>();
  });
  for_each_other_value([]<class Rule>(const Rule& value) { check_formula<Rule, Backend>(value); });
  check_formula<presynaptic_hebb, Backend>();
}

/// f(rule) for each rule that learns from gates, with default values and with others that take another way.
template <class F>
void for_each_rule(const F& f) {
  using namespace localis::rule;
  localis::rule::for_each_rule(shipped{}, [&]<class Rule>(std::type_identity<Rule>) {
    if constexpr (!supervised<Rule>) f(Rule{});
  });
  f(hebb{.decay = 0.2});
  f(k_winners{.winners = 2});
  f(soft_winner_take_all{.temperature = 0.5});
  f(soft_hebb{.sharpness = 2, .rate_power = 0.5});
  f(krotov_hopfield{.rank = 3, .delta = 0.2, .power = 3});
  f(nonlinear_hpca<squash>{});
  f(cubic{});
}

/// Rows of X, one after the other: what a convolution's units see.
inline std::vector<double> unfold(const localis::linear_map& map, std::size_t samples, const std::vector<double>& x) {
  std::vector<double> rows(map.rows(samples) * map.inputs());
  for (std::size_t p = 0; p < map.rows(samples); ++p) {
    localis::kernel::unfold_row(map, x.data() + p / map.out.positions() * map.in.size(), p % map.out.positions(),
                                rows.data() + p * map.inputs());
  }
  return rows;
}

/// A convolution learns as the dense rule does on its unfolded input; of a 1 x 1 convolution that is the input itself.
template <class Rule, class Backend, std::size_t Units = 5>
void check_unfolded(const Rule& value = {}) {
  using namespace localis;
  using option = rule::local<Rule, rule::unguarded>;
  constexpr std::size_t samples = 4;
  const auto compare = [&](auto& convolution, auto& plain, const std::vector<double>& x,
                           const std::vector<double>& unfolded) {
    convolution.layer().rule() = value;
    plain.layer().rule() = value;
    plain.set(convolution.copy());
    const std::vector<double> start = plain.copy();
    for (int i = 0; i < 3; ++i) {
      convolution.step(x, 0.05);
      plain.step(unfolded, 0.05);
    }
    CAPTURE(rule::name<Rule>());
    CHECK(deviation(convolution.weights(), plain.weights()) < 1e-13);
    CHECK(deviation(plain.weights(), start) > 1e-3);
  };
  {
    bench<image<4, 3, 5>, conv2d<Units, 1, option, no_bias>, Backend> convolution(samples);
    bench<vector_input<5>, dense<Units, option, no_bias>, Backend> plain(samples * 12);
    const std::vector<double> x = normal(samples * 12 * 5, 1);
    compare(convolution, plain, x, x);
  }
  {
    using layer = conv2d<Units, 3, stride<2>, padding<1>, option>;
    constexpr linear_map map = layer::describe({5, 6, 2}).map();
    bench<image<5, 6, 2>, layer, Backend> convolution(samples);
    bench<vector_input<18>, dense<Units, option>, Backend> plain(map.rows(samples));
    const std::vector<double> x = normal(samples * map.in.size(), 2);
    compare(convolution, plain, x, unfold(map, samples, x));
  }
}

}  // namespace localis_test
