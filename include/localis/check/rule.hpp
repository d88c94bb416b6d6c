#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <localis/check/result.hpp>
#include <localis/core/error.hpp>
#include <localis/core/random.hpp>
#include <localis/core/shape.hpp>
#include <localis/fwd.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/options.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/policy.hpp>
#include <localis/rule/rule.hpp>
#include <localis/train/model.hpp>

namespace localis::check {

/// One update of a rule, written from its formula: row by row, no matrix product, in double.
///
///   W <- W + eta ( (1/P) G^T X - diag(c) W ),    c_o = (1/P) sum_p G(p,o) R(p,o) + decay
///
/// @param map     the layer, dense or convolution
/// @param x       the layer's input, samples x (height * width * channels)
/// @param weight  O x I
/// @returns       the new weights, O x I
template <class Rule>
[[nodiscard]] std::vector<double> textbook_update(const Rule& rule, const linear_map& map, std::size_t samples,
                                                  std::span<const double> x, std::span<const double> weight,
                                                  double eta) {
  const std::size_t inputs = map.inputs();
  const std::size_t outputs = map.outputs();
  std::vector<double> hebbian(weight.size(), 0.0);
  std::vector<double> forget(outputs, 0.0);
  std::vector<double> seen(inputs);
  std::vector<double> response(outputs);
  std::vector<double> gate(outputs);
  for (std::size_t n = 0; n < samples; ++n) {
    for (std::size_t top = 0; top < map.out.height; ++top) {
      for (std::size_t left = 0; left < map.out.width; ++left) {
        for (std::size_t i = 0; i < inputs; ++i) {
          const std::size_t cell = i / map.in.channels;
          // Padding is added to both sides of the comparison: extents have no sign.
          const std::size_t row = top * map.field.stride + cell / map.field.width;
          const std::size_t column = left * map.field.stride + cell % map.field.width;
          const std::size_t pad = map.field.padding;
          const bool inside = row >= pad && column >= pad && row - pad < map.in.height && column - pad < map.in.width;
          seen[i] = inside ? x[((n * map.in.height + row - pad) * map.in.width + column - pad) * map.in.channels +
                               i % map.in.channels]
                           : 0;
        }
        for (std::size_t o = 0; o < outputs; ++o) {
          response[o] = 0;
          for (std::size_t i = 0; i < inputs; ++i) response[o] += weight[o * inputs + i] * seen[i];
        }
        localis::rule::gate_row(rule, static_cast<const double*>(response.data()), gate.data(), outputs);
        for (std::size_t o = 0; o < outputs; ++o) {
          forget[o] += gate[o] * localis::rule::recall(rule, response[o]);
          for (std::size_t i = 0; i < inputs; ++i) hebbian[o * inputs + i] += gate[o] * seen[i];
        }
      }
    }
  }
  const auto rows = static_cast<double>(map.rows(samples));
  std::vector<double> updated(weight.size());
  for (std::size_t o = 0; o < outputs; ++o) {
    const double c = forget[o] / rows + localis::rule::decay(rule);
    for (std::size_t i = 0; i < inputs; ++i) {
      const std::size_t at = o * inputs + i;
      updated[at] = weight[at] + eta * (hebbian[at] / rows - c * weight[at]);
    }
  }
  return updated;
}

namespace detail {

/// Compares two updates of the same weights. Relative to the largest change; where hardly anything changes, to a
/// thousandth of the largest weight, since below it the weights' own rounding shows.
inline void compare_updates(result& found, const std::string& what, std::size_t inputs,
                            const std::vector<double>& before, const std::vector<double>& expected,
                            const std::vector<double>& updated) {
  constexpr double tolerance = 1e-12;
  double scale = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    scale = std::max({scale, std::abs(expected[i] - before[i]), 1e-3 * std::abs(before[i])});
  }
  for (std::size_t i = 0; i < before.size(); ++i) {
    const double deviation = std::abs(updated[i] - expected[i]) / scale;
    if (deviation <= tolerance) {
      found.deviation = std::max(found.deviation, deviation);
      continue;
    }
    found.deviation = deviation;
    found.passed = false;
    found.message =
        text("check::rule: ", what, ": weight of unit ", i / inputs, ", input ", i % inputs, ": expected ", expected[i],
             ", found ", updated[i], " (relative deviation ", deviation, ", at most ", tolerance, ")");
    return;
  }
}

/// Runs the rule in the first layer of `Network` and compares.
template <class Network, class Backend, class Rule>
void check_rule_in(result& found, const std::string& name, const Rule& rule) {
  static_assert(std::is_same_v<typename Backend::scalar, double>,
                "localis::check::rule compares to 1e-12: its backend computes in double");
  if (!found.passed) return;
  constexpr std::size_t samples = 5;
  constexpr double eta = 0.1;
  const linear_map map = Network::program.operations[0].map();
  model<Network, Backend> m;
  m.template layer<0>().rule() = rule;
  m.validate();
  m.prepare({.batch = samples});
  const auto [weight, bias] = m.template layer<0>().parameters();
  const random_stream random(7, map.field.positions());
  std::vector<double> x(samples * map.in.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = random.normal(i);
  // A rule sees the response before the bias: with a bias that is not 0 the difference shows.
  const std::vector<double> shift(bias.size(), 0.7);
  m.backend().upload(std::span<const double>(shift), bias.value);
  std::vector<double> before(weight.size());
  m.backend().download(weight.value, std::span<double>(before));

  const auto update = [&, target = weight.value](std::size_t first, std::size_t count) {
    m.backend().upload(std::span<const double>(before), target);
    m.forward(std::span<const double>(x).subspan(first * map.in.size(), count * map.in.size()), count,
              {.boundary = 1, .local_rate = eta});
    std::vector<double> after(before.size());
    m.backend().download(target, std::span<double>(after));
    return after;
  };
  const std::vector<double> updated = update(0, samples);
  compare_updates(found, text(name, ", the rule's formula"), map.inputs(), before,
                  textbook_update(rule, map, samples, x, before, eta), updated);
  if (!found.passed) return;
  std::vector<double> mean(before.size(), 0.0);
  for (std::size_t n = 0; n < samples; ++n) {
    const std::vector<double> one = update(n, 1);
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += one[i] / static_cast<double>(samples);
  }
  compare_updates(found, text(name, ", a batch against the mean of its samples"), map.inputs(), before, mean, updated);
}

}  // namespace detail

/// Checks a rule, one's own or the library's, as the layers run it: one update of a dense layer, and of a convolution
/// with stride and padding, against textbook_update(), and against the mean of the updates of single samples. A rule
/// whose gate depends on anything but its row of responses fails here.
///
///   #include <localis/localis.hpp>
///   CHECK(check::rule<my_rule>());
///   CHECK(check::rule(my_rule{.decay = 0.2}));
///
/// Runs without a scale guard (rule::unguarded), on random numbers that are the same at each call.
/// Backend: in double; the caller includes it. Its definition is not known here.
/// Errors: config_error where the rule's own validate() throws it.
template <class Rule, class Backend = cpu::backend<double>>
[[nodiscard]] result rule(const Rule& value = {}) {
  using option = localis::rule::local<Rule, localis::rule::unguarded>;
  result found;
  detail::check_rule_in<network<vector_input<7>, dense<4, option>, dense<2>>, Backend>(found, "dense", value);
  detail::check_rule_in<network<image<6, 5, 2>, conv2d<4, 3, stride<2>, padding<1>, option>, dense<2>>, Backend>(
      found, "conv2d, kernel 3, stride 2, padding 1", value);
  return found;
}

}  // namespace localis::check
