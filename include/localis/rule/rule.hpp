#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <type_traits>

#include <localis/config.hpp>
#include <localis/core/constexpr_call.hpp>
#include <localis/math/team.hpp>

/// Local rules: how a stage changes its weights while it lies before the boundary.
///
/// Rules that need one matrix product have the form
///
///   W <- W + eta ( (1/P) G^T X - diag(c) W ),    c_o = (1/P) sum_p G(p,o) R(p,o) + decay
///
///   X  P x I   stage input, one row per sample (convolution: per output position)
///   U  P x O   response X W^T, before bias, normalization and activation
///   G  P x O   gate(u), element by element, or of a whole row if units compete
///   R  P x O   forget(u), which determines how much a unit forgets; 0 if the rule does not define it
///
/// A rule is a plain value that defines `gate` and, optionally, `forget`:
///
///   struct my_rule {
///     template <class T> constexpr T gate(T u) const { return u; }
///     template <class T> constexpr T forget(T u) const { return u; }   // optional
///     double decay = 0;                                                // optional, dimensionless
///     static constexpr const char* name = "my_rule";                   // optional, for summaries and messages
///   };
///
/// If the units of a row compete (largest response, softmax), the rule defines a gate of the whole row instead:
///
///   template <class T> constexpr void gate_row(const T* u, T* gates, std::size_t units) const;
///
/// On a GPU one thread computes such a row, unless gate_row lets a team of threads share it (math/team.hpp):
///
///   template <class T, class Team = math::team_of_one>
///   constexpr void gate_row(const T* u, T* gates, std::size_t units, const Team& team = {}) const;
///
/// If a unit has a state s, which tracks the mean of a statistic, s <- s + state_rate (mean_p statistic(u) - s), the
/// gate sees the state from before the step:
///
///   template <class T> constexpr T gate(T u, T s) const;
///   template <class T> constexpr T statistic(T u) const;
///   double state_rate = 0.01;                                          // share of this batch, in (0, 1]
///   static constexpr double initial_state = 1;
///
/// If a unit has several states, or its gate depends on the norm of its weights, the gate sees them in a rule::unit,
/// whose `state` has as many values as the rule has states, and whose `norm` is |w_o|:
///
///   static constexpr std::size_t states = 2;                           // without it: none, and neither of these:
///   template <class T> constexpr std::array<T, 2> statistic(T u) const;
///   std::array<double, 2> state_rate{0.1, 0.01};                       // or one double for both
///   std::array<double, 2> initial_state{1, 0};                         // or one double for both
///   template <class T> constexpr T gate(T u, const rule::unit<T, 2>& own) const;
///
/// initial_state may be static or not; model::prepare() reads it before the first update. If the gate depends on the
/// single weight, it is computed for each weight, and dW(o,i) = (1/P) sum_p gate(U(p,o), own, W(o,i)) X(p,i):
///
///   template <class T> constexpr T gate(T u, const rule::unit<T, states>& own, T w) const;
///
/// That costs P O I calls and two products more, in memory for the whole response; such a rule has no forget, since its
/// gate knows the weight.
///
/// These members are optional; the library finds each by its name:
///
///   template <class T> constexpr T pre(T x) const;                     // the sums see pre(X) instead of X, where
///                                                                      //   padding stays 0: one more unfolding
///   static constexpr matrix_forget forgets_by = matrix_forget::full;   // - (1/P) (G^T G) W, or its lower triangle
///   static constexpr bool centred = true;                              // X and G less their means over the rows
///   static constexpr bool gate_is_response = true;                     // gate(u) = u: a backend need not copy U
///   template <class T> constexpr T unit_rate(T norm) const;            // factor on a unit's eta, by its row's norm
///   template <class T> constexpr T response_weight(T w) const;         // gates see X h(W)^T instead of U, wherever
///   bool weighs_response() const;                                      //   this is true: one more product
///   std::size_t active_gates() const;                                  // at most so many of a row's gates are not 0
///   void validate() const;                                             // throws config_error
///
/// Kernels call the functions that are shown as constexpr, so they must be constexpr (core/constexpr_call.hpp).
///
/// The comments of rules use the letters above. Unless a comment says otherwise, eta is dimensionless and no error is
/// thrown.
namespace localis::rule {

template <class Rule>
concept policy_value = std::is_trivially_copyable_v<Rule> && std::is_default_constructible_v<Rule>;

template <class Rule>
concept has_gate = requires(const Rule& rule, float f, double d) {
  { rule.gate(f) } -> std::same_as<float>;
  { rule.gate(d) } -> std::same_as<double>;
};

template <class Rule>
concept has_row_gate = requires(const Rule& rule, const float* f, float* f_out, const double* d, double* d_out) {
  rule.gate_row(f, f_out, std::size_t{});
  rule.gate_row(d, d_out, std::size_t{});
};

/// A row gate that any team of threads may share.
template <class Rule>
concept has_team_gate = has_row_gate<Rule> && requires(const Rule& rule, const float* f, float* f_out, const double* d,
                                                       double* d_out, const math::any_team& team) {
  rule.gate_row(f, f_out, std::size_t{}, team);
  rule.gate_row(d, d_out, std::size_t{}, team);
};

template <class Rule>
concept has_state_gate = requires(const Rule& rule, float f, double d) {
  { rule.gate(f, f) } -> std::same_as<float>;
  { rule.gate(d, d) } -> std::same_as<double>;
  { rule.statistic(f) } -> std::same_as<float>;
  { rule.statistic(d) } -> std::same_as<double>;
  { rule.state_rate } -> std::convertible_to<double>;
  { Rule::initial_state } -> std::convertible_to<double>;
};

/// What a gate may see of its unit besides the response: the unit's states, and the Euclidean norm of its weights, both
/// from before the step.
template <class T, std::size_t States = 0>
struct unit {
  std::array<T, States> state{};
  T norm = 0;
};

/// The number of states that a rule declares for each unit.
template <class Rule>
constexpr std::size_t declared_states() {
  if constexpr (requires {
                  { Rule::states } -> std::convertible_to<std::size_t>;
                }) {
    return Rule::states;
  } else {
    return 0;
  }
}

namespace detail {

template <class Rule, class T>
using unit_of = unit<T, declared_states<Rule>()>;

/// A number for all states, or one for each.
template <class Values, std::size_t States>
concept state_values = std::convertible_to<Values, double> || std::convertible_to<Values, std::array<double, States>>;

template <class Rule>
concept has_states = declared_states<Rule>()
== 0 || requires(const Rule& rule, float f, double d) {
  { rule.statistic(f) } -> std::same_as<std::array<float, declared_states<Rule>()>>;
  { rule.statistic(d) } -> std::same_as<std::array<double, declared_states<Rule>()>>;
  requires state_values < std::remove_cvref_t<decltype(rule.state_rate)>, declared_states<Rule>()
  > ;
  requires state_values < std::remove_cvref_t<decltype(rule.initial_state)>, declared_states<Rule>()
  > ;
};

}  // namespace detail

/// A gate that sees its unit.
template <class Rule>
concept has_unit_gate = detail::has_states<Rule> &&
    requires(const Rule& rule, float f, double d, const detail::unit_of<Rule, float>& own_f,
             const detail::unit_of<Rule, double>& own_d) {
  { rule.gate(f, own_f) } -> std::same_as<float>;
  { rule.gate(d, own_d) } -> std::same_as<double>;
};

/// A gate that sees its unit and one weight of it.
template <class Rule>
concept has_weight_gate = detail::has_states<Rule> &&
    requires(const Rule& rule, float f, double d, const detail::unit_of<Rule, float>& own_f,
             const detail::unit_of<Rule, double>& own_d) {
  { rule.gate(f, own_f, f) } -> std::same_as<float>;
  { rule.gate(d, own_d, d) } -> std::same_as<double>;
};

template <class Rule>
concept has_pre = requires(const Rule& rule, float f, double d) {
  { rule.pre(f) } -> std::same_as<float>;
  { rule.pre(d) } -> std::same_as<double>;
};

/// The number of states of a unit.
template <class Rule>
constexpr std::size_t states() {
  if constexpr (has_state_gate<Rule>) {
    return 1;
  } else {
    return declared_states<Rule>();
  }
}

namespace detail {

template <class Values>
constexpr double value_of_state(const Values& values, [[maybe_unused]] std::size_t state) {
  if constexpr (std::convertible_to<Values, double>) {
    return static_cast<double>(values);
  } else {
    return values[state];
  }
}

}  // namespace detail

/// The rate and the initial value of a state of a rule that has states.
template <class Rule>
constexpr double state_rate(const Rule& rule, std::size_t state) {
  return detail::value_of_state(rule.state_rate, state);
}
template <class Rule>
constexpr double initial_state(const Rule& rule, std::size_t state) {
  return detail::value_of_state(rule.initial_state, state);
}

/// The statistics of a response u, one for each state.
template <class Rule, class T>
constexpr std::array<T, states<Rule>()> statistics(const Rule& rule, T u) {
  if constexpr (has_state_gate<Rule>) {
    return {rule.statistic(u)};
  } else {
    return rule.statistic(u);
  }
}

template <class Rule>
concept has_forget = requires(const Rule& rule, float f, double d) {
  { rule.forget(f) } -> std::same_as<float>;
  { rule.forget(d) } -> std::same_as<double>;
};

template <class Rule>
concept has_decay = requires(const Rule& rule) {
  { rule.decay } -> std::convertible_to<double>;
};

template <class Rule>
concept has_unit_rate = requires(const Rule& rule, double norm) {
  { rule.unit_rate(norm) } -> std::same_as<double>;
};

template <class Rule>
concept has_response_weight = requires(const Rule& rule, float f, double d) {
  { rule.response_weight(f) } -> std::same_as<float>;
  { rule.response_weight(d) } -> std::same_as<double>;
  { rule.weighs_response() } -> std::same_as<bool>;
};

template <class Rule>
concept has_active_gates = requires(const Rule& rule) {
  { rule.active_gates() } -> std::convertible_to<std::size_t>;
};

/// A rule with a validate(), which throws config_error for a parameter out of range.
template <class Rule>
concept has_validate = requires(const Rule& rule) {
  rule.validate();
};

/// A supervised rule: it learns from an error at the output of its stage (learn/local_loss.hpp), not from gates.
template <class Rule>
concept supervised = requires {
  { Rule::supervised } -> std::convertible_to<bool>;
}
&&Rule::supervised;

/// Whether a supervised rule needs the output error of each sample from when it was last seen.
template <class Rule>
constexpr bool remembers_errors() {
  if constexpr (requires {
                  { Rule::remembers_errors } -> std::convertible_to<bool>;
                }) {
    return Rule::remembers_errors;
  } else {
    return false;
  }
}

template <class Rule>
concept local_rule = policy_value<Rule> &&(has_gate<Rule> || has_row_gate<Rule> || has_state_gate<Rule> ||
                                           has_unit_gate<Rule> || has_weight_gate<Rule> || supervised<Rule>);

namespace detail {

LOCALIS_CONSTEXPR_CALL(check_gate, "localis: rule: gate", Policy{}.gate(T(0.5)));
LOCALIS_CONSTEXPR_CALL(check_state_gate, "localis: rule: gate", Policy{}.gate(T(0.5), T(0.5)));
/// A unit whose values are all 0.5.
template <class Policy, class T>
inline constexpr unit_of<Policy, T> half_unit = [] {
  unit_of<Policy, T> result;
  for (T& value : result.state) value = T(0.5);
  result.norm = T(0.5);
  return result;
}();
LOCALIS_CONSTEXPR_CALL(check_unit_gate, "localis: rule: gate", Policy{}.gate(T(0.5), half_unit<Policy, T>));
LOCALIS_CONSTEXPR_CALL(check_weight_gate, "localis: rule: gate", Policy{}.gate(T(0.5), half_unit<Policy, T>, T(0.5)));
LOCALIS_CONSTEXPR_CALL(check_pre, "localis: rule: pre", Policy{}.pre(T(0.5)));
LOCALIS_CONSTEXPR_CALL(check_statistic, "localis: rule: statistic", Policy{}.statistic(T(0.5)));
LOCALIS_CONSTEXPR_CALL(check_gate_row, "localis: rule: gate_row",
                       Policy{}.gate_row(localis::detail::pair_of<T>{}.source, localis::detail::pair_of<T>{}.target,
                                         std::size_t{2}));
LOCALIS_CONSTEXPR_CALL(check_team_gate, "localis: rule: gate_row with a team",
                       Policy{}.gate_row(localis::detail::pair_of<T>{}.source, localis::detail::pair_of<T>{}.target,
                                         std::size_t{2}, math::team_of_one{}));
LOCALIS_CONSTEXPR_CALL(check_forget, "localis: rule: forget", Policy{}.forget(T(0.5)));
LOCALIS_CONSTEXPR_CALL(check_unit_rate, "localis: rule: unit_rate", Policy{}.unit_rate(T(0.5)));
LOCALIS_CONSTEXPR_CALL(check_response_weight, "localis: rule: response_weight", Policy{}.response_weight(T(0.5)));

}  // namespace detail

/// Asserts that the functions of a rule that kernels call are constexpr. It tries each function at 0.5, and a row at
/// (0.5, 0.25).
template <class Rule, class T>
constexpr bool check_calls() {
  if constexpr (has_gate<Rule>) static_assert(detail::check_gate<Rule, T>());
  if constexpr (has_row_gate<Rule>) static_assert(detail::check_gate_row<Rule, T>());
  if constexpr (has_team_gate<Rule>) static_assert(detail::check_team_gate<Rule, T>());
  if constexpr (has_state_gate<Rule>) static_assert(detail::check_state_gate<Rule, T>());
  if constexpr (has_unit_gate<Rule>) static_assert(detail::check_unit_gate<Rule, T>());
  if constexpr (has_weight_gate<Rule>) static_assert(detail::check_weight_gate<Rule, T>());
  if constexpr (states<Rule>() > 0) static_assert(detail::check_statistic<Rule, T>());
  if constexpr (has_pre<Rule>) static_assert(detail::check_pre<Rule, T>());
  if constexpr (has_forget<Rule>) static_assert(detail::check_forget<Rule, T>());
  if constexpr (has_unit_rate<Rule>) static_assert(detail::check_unit_rate<Rule, double>());
  if constexpr (has_response_weight<Rule>) static_assert(detail::check_response_weight<Rule, T>());
  return true;
}

/// The units whose responses decide what a unit forgets.
enum class matrix_forget {
  none,
  full,  ///< every unit: (G^T G) W
  lower  ///< the units before it and itself: tril(G^T G) W
};

template <class Rule>
constexpr matrix_forget forgets_by() {
  if constexpr (requires {
                  { Rule::forgets_by } -> std::convertible_to<matrix_forget>;
                }) {
    return Rule::forgets_by;
  } else {
    return matrix_forget::none;
  }
}

template <class Rule>
constexpr bool centred() {
  if constexpr (requires {
                  { Rule::centred } -> std::convertible_to<bool>;
                }) {
    return Rule::centred;
  } else {
    return false;
  }
}

/// Whether the gates of a rule are the responses themselves.
template <class Rule>
constexpr bool gate_is_response() {
  if constexpr (requires {
                  { Rule::gate_is_response } -> std::convertible_to<bool>;
                }) {
    static_assert(has_gate<Rule>, "localis: this rule's gate_is_response needs a gate(u) that returns u");
    return Rule::gate_is_response;
  } else {
    return false;
  }
}

/// Whether a unit's update depends on the other units of its row.
template <class Rule>
constexpr bool units_interact() {
  return has_row_gate<Rule> || forgets_by<Rule>() != matrix_forget::none;
}

/// Gradient descent, the default rule of every layer: the boundary never passes a stage with this rule.
struct gradient {
  static constexpr const char* name = "gradient";
  constexpr bool operator==(const gradient&) const = default;
};

template <class Rule>
constexpr const char* name() {
  if constexpr (requires {
                  { Rule::name } -> std::convertible_to<const char*>;
                }) {
    return Rule::name;
  } else {
    return "local";
  }
}

/// What gates see of the units of a layer, in arrays.
template <class T>
struct unit_values {
  const T* state = nullptr;  ///< states x units of the layer; not read for a rule without states
  const T* norm = nullptr;   ///< one value per unit; read for a rule whose gate sees its unit
  std::size_t units = 0;     ///< of the layer

  template <class Rule>
  [[nodiscard]] constexpr detail::unit_of<Rule, T> get(std::size_t o) const {
    detail::unit_of<Rule, T> result;
    std::size_t s = 0;
    for (T& value : result.state) value = state[s++ * units + o];
    result.norm = norm[o];
    return result;
  }
};

/// Computes the gates of units [begin, end) of one row of responses u, or of all units if they compete; `gates` must
/// not overlap `u`. A gate that sees single weights has none of its unit: 0.
///   team   which only a rule with a team gate shares
template <class Rule, class T, class Team = math::team_of_one>
requires math::admitted<Team, has_team_gate<Rule>>
constexpr void gate_row(const Rule& rule, std::size_t begin, std::size_t end, const T* u,
                        [[maybe_unused]] const unit_values<T>& own, T* gates, [[maybe_unused]] const Team& team = {}) {
  if constexpr (has_team_gate<Rule>) {
    rule.gate_row(u + begin, gates + begin, end - begin, team);
  } else if constexpr (has_row_gate<Rule>) {
    rule.gate_row(u + begin, gates + begin, end - begin);
  } else {
    LOCALIS_VECTORIZE
    for (std::size_t o = begin; o < end; ++o) {
      if constexpr (has_weight_gate<Rule>) {
        gates[o] = T(0);
      } else if constexpr (has_unit_gate<Rule>) {
        gates[o] = rule.gate(u[o], own.template get<Rule>(o));
      } else if constexpr (has_state_gate<Rule>) {
        gates[o] = rule.gate(u[o], own.state[o]);
      } else {
        gates[o] = rule.gate(u[o]);
      }
    }
  }
}

template <class Rule, class T>
constexpr T forget(const Rule& rule, T u) {
  if constexpr (has_forget<Rule>) {
    return rule.forget(u);
  } else {
    return T(0);
  }
}

template <class Rule>
constexpr double decay(const Rule& rule) {
  if constexpr (has_decay<Rule>) {
    return static_cast<double>(rule.decay);
  } else {
    return 0;
  }
}

}  // namespace localis::rule
