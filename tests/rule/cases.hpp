#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include <localis/check/rule.hpp>
#include <localis/core/random.hpp>
#include <localis/kernel/unfold.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/anti_hebb.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/rule/instar.hpp>
#include <localis/rule/k_winners.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/soft_hebb.hpp>
#include <localis/rule/soft_winner_take_all.hpp>
#include <localis/train/model.hpp>

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
  constexpr T recall(T u) const {
    return u;
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
    model.forward(x, x.size() / net::input.size(), {.boundary = 1, .local_rate = rate, .gain = gain});
  }
};

inline std::vector<double> normal(std::size_t size, std::uint64_t stream) {
  const localis::random_stream random(17, stream);
  std::vector<double> x(size);
  for (std::size_t i = 0; i < size; ++i) x[i] = random.normal(i);
  return x;
}

/// Largest |a - b| over the largest |b|.
template <class A, class B>
double deviation(const A& a, const B& b) {
  REQUIRE(a.size() == b.size());
  double difference = 0;
  double scale = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = std::max(difference, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
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
  passes(check::rule<rule::hebb, Backend>());
  passes(check::rule<rule::hebb, Backend>({.decay = 0.3}));
  passes(check::rule<rule::oja, Backend>());
  passes(check::rule<rule::anti_hebb, Backend>());
  passes(check::rule<rule::instar, Backend>());
  passes(check::rule<rule::k_winners, Backend>());
  passes(check::rule<rule::k_winners, Backend>({.winners = 2}));
  passes(check::rule<rule::soft_winner_take_all, Backend>({.temperature = 0.5}));
  passes(check::rule<rule::soft_hebb, Backend>({.sharpness = 2}));
  passes(check::rule<cubic, Backend>());
}

/// A convolution learns as the dense rule does on its unfolded input; of a 1 x 1 convolution that is the input itself.
template <class Rule, class Backend>
void check_unfolded() {
  using namespace localis;
  using option = rule::local<Rule, rule::unguarded>;
  constexpr std::size_t samples = 4;
  {
    bench<image<4, 3, 5>, conv2d<6, 1, option, no_bias>, Backend> convolution(samples);
    bench<vector_input<5>, dense<6, option, no_bias>, Backend> plain(samples * 12);
    const std::vector<double> x = normal(samples * 12 * 5, 1);
    plain.set(convolution.copy());
    for (int i = 0; i < 3; ++i) {
      convolution.step(x, 0.05);
      plain.step(x, 0.05);
    }
    CHECK(deviation(convolution.weights(), plain.weights()) < 1e-13);
  }
  {
    using layer = conv2d<6, 3, stride<2>, padding<1>, option>;
    constexpr linear_map map = layer::describe({5, 6, 2}).map();
    bench<image<5, 6, 2>, layer, Backend> convolution(samples);
    bench<vector_input<18>, dense<6, option>, Backend> plain(map.rows(samples));
    const std::vector<double> x = normal(samples * map.in.size(), 2);
    std::vector<double> unfolded(map.rows(samples) * map.inputs());
    for (std::size_t p = 0; p < map.rows(samples); ++p) {
      kernel::unfold_row(map, x.data() + p / map.out.positions() * map.in.size(), p % map.out.positions(),
                         unfolded.data() + p * map.inputs());
    }
    plain.set(convolution.copy());
    for (int i = 0; i < 3; ++i) {
      convolution.step(x, 0.05);
      plain.step(unfolded, 0.05);
    }
    CHECK(deviation(convolution.weights(), plain.weights()) < 1e-13);
  }
}

/// Rows of data and the top eigenpair of X^T X / P.
struct data {
  static constexpr std::size_t inputs = 6;
  static constexpr std::size_t rows = 40;
  std::vector<double> x = normal(rows * inputs, 5);
  std::vector<double> top = std::vector<double>(inputs, 1.0);  // of norm 1
  double lambda = 0;

  data() {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] *= 2 - 0.3 * static_cast<double>(i % inputs);
    for (int round = 0; round < 2000; ++round) {  // power iteration
      std::vector<double> next(inputs, 0.0);
      for (std::size_t p = 0; p < rows; ++p) {
        double u = 0;
        for (std::size_t i = 0; i < inputs; ++i) u += x[p * inputs + i] * top[i];
        for (std::size_t i = 0; i < inputs; ++i) next[i] += u * x[p * inputs + i] / rows;
      }
      lambda = 0;
      for (const double v : next) lambda += v * v;
      lambda = std::sqrt(lambda);
      for (std::size_t i = 0; i < inputs; ++i) top[i] = next[i] / lambda;
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
