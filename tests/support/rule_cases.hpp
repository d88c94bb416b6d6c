#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>

#include <localis/check/rule.hpp>
#include <localis/core/random.hpp>
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

struct squash {
  template <class T>
  constexpr T operator()(T u) const {
    return std::tanh(u);
  }
};

/// A network whose first layer is under test, its weights at hand.
template <class Input, class Layer, class Backend>
class bench {
 public:
  using net = localis::network<Input, Layer, localis::dense<2>>;
  using scalar = typename Backend::scalar;

  localis::model<net, Backend> model;

  explicit bench(std::size_t batch, Backend backend = Backend()) : model({.seed = 3}, backend) {
    model.prepare({.batch = batch});
  }
  [[nodiscard]] auto& layer() { return model.template layer<0>(); }
  [[nodiscard]] std::span<scalar> weights() {
    const auto p = layer().parameters()[0];
    return {p.value, p.size()};
  }
  [[nodiscard]] std::vector<scalar> copy() { return {weights().begin(), weights().end()}; }
  void set(const std::vector<scalar>& from) {
    REQUIRE(from.size() == weights().size());
    for (std::size_t i = 0; i < from.size(); ++i) weights()[i] = from[i];
  }
  void step(const std::vector<scalar>& x, double rate, double gain = 1) {
    step(x, {.boundary = 1, .local_rate = rate, .gain = gain});
  }
  void step(const std::vector<scalar>& x, const localis::step_options& how) {
    model.forward(x, x.size() / net::input.size(), how);
  }
  /// The array of this name that the rule keeps besides the weights.
  [[nodiscard]] std::vector<scalar> state(std::string_view name) {
    for (const auto& p : layer().states()) {
      if (name == p.name) return {p.value, p.value + p.size()};
    }
    FAIL("no state of this name: ", name);
    return {};
  }
};

inline std::vector<double> normal(std::size_t size, std::uint64_t stream) {
  const localis::random_stream random(17, stream);
  std::vector<double> x(size);
  for (std::size_t i = 0; i < size; ++i) x[i] = random.normal(i);
  return x;
}

/// Largest |a - b| over the largest |b|; NaN where there is one.
template <class A, class B>
double deviation(const A& a, const B& b) {
  REQUIRE(a.size() == b.size());
  double difference = 0;
  double scale = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double apart = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (std::isnan(apart)) return apart;
    difference = std::max(difference, apart);
    scale = std::max(scale, std::abs(static_cast<double>(b[i])));
  }
  return difference / scale;
}

/// The textbook loop, and batch = mean of samples: dense, and convolution with stride and padding.
template <class Backend>
void check_rules() {
  using namespace localis;
  const auto passes = [](const check::result& found) {
    CHECK_MESSAGE(found.passed, found);
    CHECK(found.deviation < 1e-12);
  };
  rule::for_each_rule(rule::shipped{}, [&]<class Rule>(std::type_identity<Rule>) {
    if constexpr (!rule::supervised<Rule>) passes(check::rule<Rule, Backend>());
  });
  passes(check::rule<rule::hebb, Backend>({.decay = 0.3}));
  passes(check::rule<rule::k_winners, Backend>({.winners = 2}));
  passes(check::rule<rule::soft_winner_take_all, Backend>({.temperature = 0.5}));
  passes(check::rule<rule::soft_hebb, Backend>({.sharpness = 2}));
  passes(check::rule<rule::soft_hebb, Backend>({.rate_power = 0.5}));
  passes(check::rule<rule::krotov_hopfield, Backend>({.rank = 3, .delta = 0.1, .power = 3}));
  passes(check::rule<rule::nonlinear_hpca<squash>, Backend>());
  passes(check::rule<rule::bcm, Backend>({.form = rule::bcm_form::ratio}));
  passes(check::rule<cubic, Backend>());
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

/// The first directions of X^T X / P in order, unit vectors, by power iteration and deflation.
inline std::vector<std::vector<double>> components(std::vector<double> x, std::size_t inputs, std::size_t count) {
  std::vector<std::vector<double>> found;
  for (std::size_t k = 0; k < count; ++k) {
    std::vector<double> top(inputs, 1.0);
    const auto along = [&](const double* row) {
      double u = 0;
      for (std::size_t i = 0; i < inputs; ++i) u += row[i] * top[i];
      return u;
    };
    for (int round = 0; round < 3000; ++round) {
      std::vector<double> next(inputs, 0.0);
      for (std::size_t p = 0; p < x.size(); p += inputs) {
        const double u = along(x.data() + p);
        for (std::size_t i = 0; i < inputs; ++i) next[i] += u * x[p + i];
      }
      double squares = 0;
      for (const double v : next) squares += v * v;
      for (std::size_t i = 0; i < inputs; ++i) top[i] = next[i] / std::sqrt(squares);
    }
    for (std::size_t p = 0; p < x.size(); p += inputs) {
      const double u = along(x.data() + p);
      for (std::size_t i = 0; i < inputs; ++i) x[p + i] -= u * top[i];
    }
    found.push_back(top);
  }
  return found;
}

/// Rows of data and the top eigenpair of X^T X / P.
struct data {
  static constexpr std::size_t inputs = 6;
  static constexpr std::size_t rows = 40;
  std::vector<double> x = normal(rows * inputs, 5);
  std::vector<double> top;  // of norm 1
  double lambda = 0;

  data() {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] *= 2 - 0.3 * static_cast<double>(i % inputs);
    top = components(x, inputs, 1)[0];
    for (std::size_t p = 0; p < rows; ++p) {
      double u = 0;
      for (std::size_t i = 0; i < inputs; ++i) u += x[p * inputs + i] * top[i];
      lambda += u * u / rows;
    }
  }
};

template <class Row>
double norm(const Row& row) {
  double sum = 0;
  for (const double v : row) sum += v * v;
  return std::sqrt(sum);
}

}  // namespace localis_test
