#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "support/linear_map.hpp"
#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/backend/reference/backend.hpp>
#include <localis/check/layer.hpp>
#include <localis/core/random.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/depthwise_conv2d.hpp>
#include <localis/layer/tanh.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/bcm.hpp>
#include <localis/rule/covariance.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>

namespace lo = localis;
using cpu = lo::cpu::backend<double>;
using reference = lo::reference::backend<double>;
using localis_test::agree;
using localis_test::check_problem;
using localis_test::normal;
using localis_test::numbers;
using localis_test::problem;

namespace {

/// Gates that see the input through other weights, one by one.
struct square_weights {
  template <class T>
  constexpr T gate(T u) const {
    return u;
  }
  template <class T>
  constexpr T forget(T u) const {
    return u;
  }
  template <class T>
  constexpr T response_weight(T w) const {
    return w * w;
  }
  bool weighs_response() const { return true; }
};

template <class Rule, class... Policies>
using with = lo::rule::local<Rule, Policies...>;

using net =
    lo::network<lo::image<11, 9, 45>, lo::depthwise_conv2d<3, lo::padding<1>, lo::rule::oja>, lo::tanh,
                lo::depthwise_conv2d<2, lo::rule::hebb>, lo::tanh,
                lo::depthwise_conv2d<5, lo::stride<2>, lo::padding<2>, with<lo::rule::bcm, lo::rule::unit_rows>>,
                lo::tanh, lo::depthwise_conv2d<3, lo::padding<1>, with<lo::rule::covariance, lo::rule::momentum>>,
                lo::tanh, lo::depthwise_conv2d<3, lo::padding<2>, with<lo::rule::oja, lo::rule::sampled_rows>>,
                lo::tanh, lo::depthwise_conv2d<3, with<lo::rule::hebb, lo::rule::running_normalized_signal>>, lo::tanh,
                lo::depthwise_conv2d<2, lo::padding<1>,
                                     with<lo::rule::oja, lo::rule::batch_normalized_signal, lo::rule::sampled_rows>>,
                lo::tanh,
                lo::depthwise_conv2d<7, lo::stride<2>, lo::padding<3>,
                                     with<square_weights, lo::rule::running_normalized_signal, lo::rule::sampled_rows,
                                          lo::rule::relative_step>>,
                lo::tanh, lo::dense<3>>;

struct named {
  std::string name;
  numbers found;
};

/// Three steps of two batch sizes from one seed: outputs, and in the end weights and states of every layer.
template <class Backend>
std::vector<named> trace(bool modulated, Backend backend = Backend()) {
  using scalar = typename Backend::scalar;
  lo::model<net, Backend> m{{.seed = 9}, backend};
  m.template layer<2>().rule().decay = 0.3;
  m.template layer<8>().local().rows.every = 3;
  m.template layer<12>().local().rows.every = 4;
  m.prepare({.batch = 6});
  std::vector<named> result;
  for (std::uint64_t step = 0; step < 3; ++step) {
    const std::size_t samples = step == 1 ? 5 : 6;
    const numbers x = normal(samples * net::input.size(), 10 + step);
    const numbers third = normal(samples, 20 + step);
    const std::vector<scalar> input(x.begin(), x.end());
    lo::step_options how{.boundary = net::highest_boundary, .local_rate = 0.05, .gain = 1.5, .step = step};
    if (modulated) how.modulator = third;
    const auto y = m.forward(input, samples, how);
    result.push_back({"output", {y.begin(), y.end()}});
  }
  const auto keep = [&](const char* layer, const auto& p) {
    result.push_back({std::string(layer) + " " + p.name, {p.value, p.value + p.size()}});
  };
  m.for_each_layer([&](const lo::operation& op, const auto& layer) {
    if constexpr (requires { layer.states(); }) {
      for (const auto& p : layer.parameters()) keep(op.name, p);
      for (const auto& p : layer.states()) keep(op.name, p);
    }
  });
  return result;
}

void compare(const std::vector<named>& found, const std::vector<named>& expected, double tolerance) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i);
    agree(expected[i].name.c_str(), found[i].found, expected[i].found, tolerance);
  }
}

}  // namespace

TEST_CASE("depthwise: the reference computes what the definitions say") {
  for (const problem& in : localis_test::depthwise_convolutions()) check_problem(in, reference(), 1e-13);
}
TEST_CASE("depthwise: cpu computes what the definitions say, on any number of threads") {
  for (const problem& in : localis_test::depthwise_convolutions()) {
    for (const std::size_t threads : std::array<std::size_t, 3>{1, 2, 3}) {
      check_problem(in, cpu({.threads = threads, .grain = 1}), 1e-13);
      check_problem(in, lo::cpu::backend<float>({.threads = threads, .grain = 1}), 2e-5);
    }
  }
}
TEST_CASE("depthwise: cpu gradients by finite differences") {
  const auto check = [](const lo::check::result& found) { CHECK_MESSAGE(found.passed, found); };
  check(lo::check::layer<lo::depthwise_conv2d<3, lo::stride<2>, lo::padding<1>>, lo::image<6, 5, 3>, cpu>());
}
TEST_CASE("depthwise: every kind of local step agrees with the reference, on any number of threads") {
  for (const bool modulated : {false, true}) {
    CAPTURE(modulated);
    const std::vector<named> expected = trace<reference>(modulated);
    for (const std::size_t threads : std::array<std::size_t, 3>{1, 2, 3}) {
      CAPTURE(threads);
      compare(trace(modulated, cpu({.threads = threads, .grain = 1})), expected, 1e-12);
      compare(trace(modulated, lo::cpu::backend<float>({.threads = threads, .grain = 1})), expected, 1e-4);
    }
  }
}
TEST_CASE("depthwise: two runs on as many threads give the same bytes") {
  const auto run_once = [] { return trace(false, lo::cpu::backend<float>({.threads = 3, .grain = 1})); };
  const std::vector<named> first = run_once();
  const std::vector<named> second = run_once();
  for (std::size_t i = 0; i < first.size(); ++i) CHECK(first[i].found == second[i].found);
}
