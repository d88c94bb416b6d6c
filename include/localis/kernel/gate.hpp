#pragma once

#include <array>
#include <cmath>
#include <cstddef>

#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/kernel/divide.hpp>
#include <localis/kernel/rows.hpp>
#include <localis/math/mean.hpp>
#include <localis/math/team.hpp>
#include <localis/rule/policy.hpp>
#include <localis/rule/rule.hpp>

namespace localis::kernel {

/// The sums over rows that a local update needs per unit besides G^T X, and their places in accumulators::unit.
template <class Local>
struct unit_sums {
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  static constexpr bool wants_gates = rule::centred<typename Local::rule_type>() || Local::bias_type::learns;
  static constexpr std::size_t states = rule::states<typename Local::rule_type>();
  static constexpr bool wants_moments = Local::signal_type::source == rule::signal_source::running;

  static constexpr std::size_t forget = 0;                                 ///< sum of G forget(z)
  static constexpr std::size_t gates = 1;                                  ///< sum of G
  static constexpr std::size_t statistic = gates + (wants_gates ? 1 : 0);  ///< sums of statistic(z), one per state
  static constexpr std::size_t signal = statistic + states;
  static constexpr std::size_t signal_squares = signal + (wants_moments ? 1 : 0);
  static constexpr std::size_t count = signal_squares + (wants_moments ? 1 : 0);
};

/// A rule with its state, as a backend runs it: the backend calls these functions for each row that the rule learns
/// from.
///
///   see(begin, end, u, z)      computes the signal z of a stretch of a row's units; not called for
///                              gate_signal::response
///   open(row, begin, end, z, gates, plain, team)
///                              computes the gates of a stretch of the row's units, or of all of them if units compete
///                              (whole_rows); `plain`, if it is not null, receives the gates without the modulator.
///                              The team (math/team.hpp) may be left out, and is one of one thread unless takes_teams
///   add(begin, end, z, gates, sums)
///                              adds the contribution of these gates to unit_sums<Local>::count sums per unit, which
///                              overlap no other array
///   terms(z, g)                what one signal and its gate add to the sums of their unit
///   passes_signals()           whether the gates are the signals, so that a backend need not call open; optional
template <class T, class Local>
struct gate {
  using rule_type = typename Local::rule_type;
  static constexpr bool normalizes = Local::signal_type::source != rule::signal_source::response;
  static constexpr bool whole_rows = rule::has_row_gate<rule_type>;
  static constexpr bool takes_teams = rule::has_team_gate<rule_type>;
  static constexpr bool selects = rule::has_active_gates<rule_type>;  ///< few units, by responses however small

  rule_type rule;
  std::size_t units;
  std::size_t positions;         ///< rows per sample
  rule::unit_values<T> own{};    ///< states and norms of the units
  const T* modulator = nullptr;  ///< one value per sample, or null
  const T* scale = nullptr;      ///< one value per unit: signal = response scale + shift
  const T* shift = nullptr;

  /// Computes z = u scale + shift, or z = u if the rule does not normalize its signal; `z` may be `u`.
  constexpr void see(std::size_t begin, std::size_t end, const T* u, T* z) const {
    if constexpr (normalizes) {
      LOCALIS_VECTORIZE
      for (std::size_t o = begin; o < end; ++o) z[o] = u[o] * scale[o] + shift[o];
    } else {
      for (std::size_t o = begin; o < end; ++o) z[o] = u[o];
    }
  }

  [[nodiscard]] constexpr bool passes_signals() const {
    return rule::gate_is_response<rule_type>() && modulator == nullptr;
  }

  template <class Team = math::team_of_one>
  constexpr void open(std::size_t row, std::size_t begin, std::size_t end, const T* z, T* gates, T* plain,
                      const Team& team = {}) const {
    rule::gate_row(rule, begin, end, z, own, gates, team);
    const std::size_t first = begin + team.lane();
    for (std::size_t o = first; plain != nullptr && o < end; o += team.lanes()) plain[o] = gates[o];
    if (modulator != nullptr) {
      const T third = modulator[row / positions];
      LOCALIS_VECTORIZE
      for (std::size_t o = first; o < end; o += team.lanes()) gates[o] *= third;
    }
  }

  /// Adds gate(z, own, w_i) x_i to some sums of unit o in a row, for a gate that sees single weights.
  constexpr void add_weights(std::size_t o, std::size_t row, T u, std::size_t count, const T* w, const T* x,
                             T* sums) const requires rule::has_weight_gate<rule_type> {
    T z = u;
    if constexpr (normalizes) z = u * scale[o] + shift[o];
    const auto unit = own.template get<rule_type>(o);
    const T third = modulator == nullptr ? T(1) : modulator[row / positions];
    LOCALIS_VECTORIZE
    for (std::size_t i = 0; i < count; ++i) sums[i] += third * rule.gate(z, unit, w[i]) * x[i];
  }

  constexpr void add(std::size_t begin, std::size_t end, const T* z, const T* gates, T* __restrict sums) const {
    using places = unit_sums<Local>;
    constexpr std::size_t first = rule::has_forget<rule_type> ? places::forget : places::forget + 1;  // no sum of zeros
    if constexpr (first < places::count) {
      LOCALIS_VECTORIZE
      for (std::size_t o = begin; o < end; ++o) add_terms<first>(terms(z[o], gates[o]), sums + o, units);
    }
  }
  /// Returns what signal z and gate g of one unit add to the sums of the unit.
  constexpr std::array<T, unit_sums<Local>::count> terms(T z, T g) const {
    using places = unit_sums<Local>;
    std::array<T, places::count> result{};
    if constexpr (rule::has_forget<rule_type>) result[places::forget] = g * rule.forget(z);
    if constexpr (places::wants_gates) result[places::gates] = g;
    if constexpr (places::states > 0) {
      const auto statistics = rule::statistics(rule, z);
      for (std::size_t s = 0; s < places::states; ++s) result[places::statistic + s] = statistics[s];
    }
    if constexpr (places::wants_moments) {
      result[places::signal] = z;
      result[places::signal_squares] = z * z;
    }
    return result;
  }
};

/// The gates of a layer that learns by gradient, as a backend runs them: the gradient D of the response in place of the
/// response itself, so that the sums are D^T X and, per unit, the sum of D.
template <class T>
struct error_gate {
  static constexpr bool whole_rows = false;
  static constexpr bool takes_teams = false;
  static constexpr bool selects = false;

  constexpr void see(std::size_t begin, std::size_t end, const T* d, T* z) const {
    for (std::size_t o = begin; o < end; ++o) z[o] = d[o];
  }
  [[nodiscard]] static constexpr bool passes_signals() { return true; }
  constexpr void open(std::size_t, std::size_t begin, std::size_t end, const T* d, T* gates, T*) const {
    for (std::size_t o = begin; o < end; ++o) gates[o] = d[o];
  }
  constexpr void add(std::size_t begin, std::size_t end, const T*, const T* gates, T* __restrict sums) const {
    LOCALIS_VECTORIZE
    for (std::size_t o = begin; o < end; ++o) sums[o] += gates[o];
  }
  [[nodiscard]] static constexpr std::array<T, 1> terms(T, T g) { return {g}; }
};

/// The Euclidean norm of a row of weights, in double.
template <class T, class Team>
constexpr double row_norm(const T* w, std::size_t columns, const Team& team) {
  return std::sqrt(math::sum_of<double>(
      columns, [w](std::size_t i) { return static_cast<double>(w[i]) * static_cast<double>(w[i]); }, team));
}

/// The norm of the weights of each unit: norms[o] = |w_o|
template <class T>
struct unit_norms {
  const T* weight;
  std::size_t columns;
  T* norms;

  template <class Team = math::team_of_one>
  constexpr void operator()(std::size_t row, const Team& team = {}) const {
    const double norm = row_norm(weight + row * columns, columns, team);
    if (team.lane() == 0) norms[row] = static_cast<T>(norm);
  }
};

/// The rate of each unit: rates[o] = unit_rate(norm of weight row o)
template <class T, class Rule>
struct unit_rates {
  Rule rule;
  const T* weight;
  std::size_t columns;
  T* rates;

  template <class Team = math::team_of_one>
  constexpr void operator()(std::size_t row, const Team& team = {}) const {
    const double norm = row_norm(weight + row * columns, columns, team);
    if (team.lane() == 0) rates[row] = static_cast<T>(rule.unit_rate(norm));
  }
};

/// What the sums of a rule see of the input: target = pre(x), element by element.
template <class T, class Rule>
struct presynaptic {
  Rule rule;
  const T* x;
  T* target;
  std::size_t columns;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    LOCALIS_VECTORIZE
    for (std::size_t i = row * columns + begin; i < row * columns + end; ++i) target[i] = rule.pre(x[i]);
  }
};

/// The sum of a rule whose gate sees single weights, of weights [begin, end) of a unit:
///
///   sum(o, i) = sum_p gate(Z(p, o), own_o, W(o, i)) X(p, i)
template <class T, class Gate>
struct weight_gate_sums {
  Gate gate;
  linear_map map;
  std::size_t first;  ///< the rows of X that the rule learns from: first, first + every, ...
  std::size_t every;
  std::size_t rows;
  const T* x;  ///< the layer's input
  const T* u;  ///< its response, P x O
  const T* weight;
  T* sum;

  constexpr void operator()(std::size_t o, std::size_t begin, std::size_t end) const {
    const std::size_t inputs = map.inputs();
    for (std::size_t i = begin; i < end; ++i) sum[o * inputs + i] = T(0);
    for (std::size_t p = first; p < rows; p += every) add_row(o, p, begin, end);
  }

 private:
  constexpr void add_row(std::size_t o, std::size_t p, std::size_t begin, std::size_t end) const {
    const std::size_t channels = map.in.channels / map.groups;
    const std::size_t inputs = map.inputs();
    const quotient place = divide(p, map.out.positions());
    const quotient position = divide(place.remainder, map.out.width);
    for (std::size_t i = begin; i < end;) {
      const quotient cell = divide(i, channels);
      const std::size_t stop = end < (cell.whole + 1) * channels ? end : (cell.whole + 1) * channels;
      const quotient window = divide(cell.whole, map.field.width);
      // Padding is added to both sides of the comparison, because extents are unsigned.
      const std::size_t y = position.whole * map.field.stride.height + window.whole * map.field.dilation.height;
      const std::size_t z = position.remainder * map.field.stride.width + window.remainder * map.field.dilation.width;
      const lengths pad = map.field.padding;
      if (y >= pad.height && z >= pad.width && y - pad.height < map.in.height && z - pad.width < map.in.width) {
        const std::size_t pixel = (place.whole * map.in.height + y - pad.height) * map.in.width + z - pad.width;
        const T* input = x + pixel * map.in.channels + map.group_of(o) * channels + cell.remainder;
        gate.add_weights(o, p, u[p * map.outputs() + o], stop - i, weight + o * inputs + i, input,
                         sum + o * inputs + i);
      }
      i = stop;
    }
  }
};

/// The weights H with which the signal of the gate is computed: h = response_weight(w), element by element.
template <class T, class Rule>
struct response_weights {
  Rule rule;
  const T* weight;
  T* h;
  std::size_t columns;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    for (std::size_t i = row * columns + begin; i < row * columns + end; ++i) h[i] = rule.response_weight(weight[i]);
  }
};

}  // namespace localis::kernel
