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
#include <localis/layer/depthwise_conv2d.hpp>
#include <localis/layer/options.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/policy.hpp>
#include <localis/rule/rule.hpp>

namespace localis::check {

/// Computes one update of a rule directly from its formula: sample by sample, without matrix products, in double.
///
///   W <- W + eta_o mean_p( G(p,o) ( pre(x_p) - forget(U(p,o)) w_o - sum_k G(p,k) w_k ) - decay w_o )
///
/// The sum is over the units that `forgets_by` of the rule names; a centred rule subtracts the means of pre(x) and G.
///
/// @param map     the layer: dense or convolution, with or without groups
/// @param x       the layer's input, samples x (height * width * channels)
/// @param weight  O x I
/// @param state   states x O, for rules that have states; empty: the initial states
/// @returns       the new weights, O x I
template <class Rule>
[[nodiscard]] std::vector<double> textbook_update(const Rule& rule, const linear_map& map, std::size_t samples,
                                                  std::span<const double> x, std::span<const double> weight, double eta,
                                                  std::span<const double> state = {}) {
  namespace rules = localis::rule;
  const std::size_t inputs = map.inputs();
  const std::size_t outputs = map.outputs();
  const std::size_t rows = map.rows(samples);
  std::vector<double> units(rules::states<Rule>() * outputs);
  if constexpr (rules::states<Rule>() > 0) {
    for (std::size_t i = 0; i < units.size(); ++i) units[i] = rules::initial_state(rule, i / outputs);
  }
  std::copy(state.begin(), state.end(), units.begin());
  std::vector<double> norms(outputs, 0.0);
  for (std::size_t o = 0; o < outputs; ++o) {
    for (std::size_t i = 0; i < inputs; ++i) norms[o] += weight[o * inputs + i] * weight[o * inputs + i];
    norms[o] = std::sqrt(norms[o]);
  }
  const rules::unit_values<double> own{units.data(), norms.data(), outputs};

  // The pixel of the input that element i of a row of X comes from, each coordinate plus the padding.
  const std::size_t channels = map.in.channels / map.groups;
  const lengths pad = map.field.padding;
  const auto padded_row = [&](std::size_t p, std::size_t i) {
    return p % map.out.positions() / map.out.width * map.field.stride.height +
           i / channels / map.field.width * map.field.dilation.height;
  };
  const auto padded_column = [&](std::size_t p, std::size_t i) {
    return p % map.out.positions() % map.out.width * map.field.stride.width +
           i / channels % map.field.width * map.field.dilation.width;
  };
  const auto is_padding = [&](std::size_t p, std::size_t i) {
    const std::size_t row = padded_row(p, i);
    const std::size_t column = padded_column(p, i);
    return row < pad.height || column < pad.width || row - pad.height >= map.in.height ||
           column - pad.width >= map.in.width;
  };
  // Element i of the input that unit o sees at row p.
  const auto seen = [&](std::size_t p, std::size_t o, std::size_t i) {
    if (is_padding(p, i)) return 0.0;
    const std::size_t n = p / map.out.positions();
    const std::size_t pixel =
        (n * map.in.height + padded_row(p, i) - pad.height) * map.in.width + padded_column(p, i) - pad.width;
    return x[pixel * map.in.channels + map.group_of(o) * channels + i % channels];
  };
  const auto pre = [&](std::size_t p, std::size_t o, std::size_t i) {
    const double value = seen(p, o, i);
    if constexpr (rules::has_pre<Rule>) {
      return is_padding(p, i) ? 0.0 : rule.pre(value);
    } else {
      return value;
    }
  };
  const auto effective = [&](double w) {
    if constexpr (rules::has_response_weight<Rule>) {
      if (rule.weighs_response()) return rule.response_weight(w);
    }
    return w;
  };

  std::vector<double> response(rows * outputs, 0.0);
  std::vector<double> gate(rows * outputs);
  for (std::size_t p = 0; p < rows; ++p) {
    for (std::size_t o = 0; o < outputs; ++o) {
      for (std::size_t i = 0; i < inputs; ++i) {
        response[p * outputs + o] += effective(weight[o * inputs + i]) * seen(p, o, i);
      }
    }
    rules::gate_row(rule, 0, outputs, static_cast<const double*>(response.data() + p * outputs), own,
                    gate.data() + p * outputs);
  }
  std::vector<double> seen_mean(outputs * inputs, 0.0);
  std::vector<double> gate_mean(outputs, 0.0);
  if (rules::centred<Rule>()) {
    for (std::size_t p = 0; p < rows; ++p) {
      for (std::size_t o = 0; o < outputs; ++o) {
        gate_mean[o] += gate[p * outputs + o] / static_cast<double>(rows);
        for (std::size_t i = 0; i < inputs; ++i) {
          seen_mean[o * inputs + i] += pre(p, o, i) / static_cast<double>(rows);
        }
      }
    }
  }

  std::vector<double> updated(weight.begin(), weight.end());
  for (std::size_t o = 0; o < outputs; ++o) {
    double own_rate = eta;
    if constexpr (rules::has_unit_rate<Rule>) own_rate *= rule.unit_rate(norms[o]);
    const std::size_t others = rules::forgets_by<Rule>() == rules::matrix_forget::full    ? outputs
                               : rules::forgets_by<Rule>() == rules::matrix_forget::lower ? o + 1
                                                                                          : 0;
    for (std::size_t p = 0; p < rows; ++p) {
      double g = gate[p * outputs + o];
      const double forgotten = rules::forget(rule, response[p * outputs + o]);
      for (std::size_t i = 0; i < inputs; ++i) {
        const double w = weight[o * inputs + i];
        if constexpr (rules::has_weight_gate<Rule>) {
          g = rule.gate(response[p * outputs + o], own.template get<Rule>(o), w);
        }
        double change = (g - gate_mean[o]) * (pre(p, o, i) - seen_mean[o * inputs + i]) - g * forgotten * w;
        for (std::size_t k = 0; k < others; ++k) change -= g * gate[p * outputs + k] * weight[k * inputs + i];
        change -= rules::decay(rule) * w;
        updated[o * inputs + i] += own_rate * change / static_cast<double>(rows);
      }
    }
  }
  return updated;
}

namespace detail {

/// Compares two updates of the same weights. The difference is relative to the largest change or, if that is tiny, to a
/// thousandth of the largest weight, because smaller differences are rounding of the weights.
inline void compare_updates(result& found, const std::string& what, std::size_t inputs, const std::vector<double>& old,
                            const std::vector<double>& expected, const std::vector<double>& updated) {
  constexpr double tolerance = 1e-12;
  double scale = 0;
  for (std::size_t i = 0; i < old.size(); ++i) {
    scale = (std::max)({scale, (std::abs)(expected[i] - old[i]), 1e-3 * (std::abs)(old[i])});
  }
  for (std::size_t i = 0; i < old.size(); ++i) {
    const double deviation = (std::abs)(updated[i] - expected[i]) / scale;
    if (deviation <= tolerance) {
      found.deviation = (std::max)(found.deviation, deviation);
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
  std::vector<double> old(weight.size());
  m.backend().download(weight.value, std::span<double>(old));
  const auto states = m.template layer<0>().states();
  std::vector<std::vector<double>> states_before;
  for (const auto& state : states) {
    states_before.emplace_back(state.size());
    m.backend().download(state.value, std::span<double>(states_before.back()));
  }

  const auto update = [&, target = weight.value](std::size_t first, std::size_t count) {
    m.backend().upload(std::span<const double>(old), target);
    for (std::size_t s = 0; s < states.size(); ++s) {
      m.backend().upload(std::span<const double>(states_before[s]), states[s].value);
    }
    m.forward(std::span<const double>(x).subspan(first * map.in.size(), count * map.in.size()), count,
              {.boundary = 1, .local_rate = eta});
    std::vector<double> result(old.size());
    m.backend().download(target, std::span<double>(result));
    return result;
  };
  const std::vector<double> updated = update(0, samples);
  compare_updates(found, text(name, ", the rule's formula"), map.inputs(), old,
                  textbook_update(rule, map, samples, x, old, eta), updated);
  if constexpr (localis::rule::gate_is_response<Rule>()) {
    for (const double u : x) {
      if (rule.gate(u) == u) continue;
      found.passed = false;
      found.message = text(name, ", gate_is_response: expected gate(", u, ") = ", u, ", found ", rule.gate(u));
    }
  }
  if (!found.passed || localis::rule::centred<Rule>()) return;  // a centred rule uses means over the whole batch
  std::vector<double> mean(old.size(), 0.0);
  for (std::size_t n = 0; n < samples; ++n) {
    const std::vector<double> one = update(n, 1);
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += one[i] / static_cast<double>(samples);
  }
  compare_updates(found, text(name, ", a batch against the mean of its samples"), map.inputs(), old, mean, updated);
}

}  // namespace detail

/// Checks a rule as the layers run it: one update of a dense layer, of a convolution with stride and padding and,
/// unless units interact, of a depthwise convolution. Each is compared with textbook_update(), and with the mean of the
/// updates of single samples. A rule fails if its gate depends on anything but its row of responses and its state. The
/// check does not apply to supervised rules, which follow a gradient: see check::layer.
///
///   #include <localis/localis.hpp>
///   CHECK(check::rule<my_rule>());
///   CHECK(check::rule(my_rule{.decay = 0.2}));
///
/// The check runs without a scale guard (rule::unguarded), on the same random numbers in each call.
/// Backend: any backend in double; the caller includes its header.
/// Errors: config_error if the rule's own validate() throws it.
template <class Rule, class Backend = cpu::backend<double>>
[[nodiscard]] result rule(const Rule& value = {}) {
  static_assert(
      !localis::rule::supervised<Rule>,
      "localis::check::rule compares gates with a textbook loop, and a supervised rule has none: its step is a "
      "gradient. Compare it with finite differences of its loss, or look at it with localis::update_diagnostics");
  using option = localis::rule::local<Rule, localis::rule::unguarded>;
  result found;
  detail::check_rule_in<network<vector_input<7>, dense<4, option>, dense<2>>, Backend>(found, "dense", value);
  detail::check_rule_in<network<image<6, 5, 2>, conv2d<4, 3, stride<2>, padding<1>, option>, dense<2>>, Backend>(
      found, "conv2d, kernel 3, stride 2, padding 1", value);
  if constexpr (!localis::rule::units_interact<Rule>()) {
    detail::check_rule_in<network<image<6, 5, 4>, depthwise_conv2d<3, stride<2>, padding<1>, option>, dense<2>>,
                          Backend>(found, "depthwise_conv2d, kernel 3, stride 2, padding 1", value);
  }
  return found;
}

}  // namespace localis::check
