#pragma once

#include <concepts>
#include <type_traits>

#include <localis/core/named.hpp>
#include <localis/math/team.hpp>
#include <localis/rule/rule.hpp>

namespace localis::rule {

namespace detail {

struct member_names {
  int gate, gate_row, pre, states, statistic, state_rate, initial_state, forget, decay, unit_rate, response_weight,
      weighs_response, active_gates, validate, forgets_by, centred, gate_is_response, remembers_errors, name;
};
/// `&absent<Rule>::gate` compiles if Rule has no member of that name.
template <class Rule>
using absent = localis::detail::named_twice<Rule, member_names>;

/// Whether T has a member with a name that a rule's member has, and so is meant to be a rule.
template <class T>
concept resembles_rule = !requires {
  &absent<T>::gate;
  &absent<T>::gate_row;
  &absent<T>::pre;
  &absent<T>::statistic;
  &absent<T>::forget;
};

template <class Rule>
concept gate_sees_response = requires(const Rule& rule, double u) {
  rule.gate(u);
};
template <class Rule>
concept gate_sees_state = requires(const Rule& rule, double u) {
  rule.gate(u, u);
};
template <class Rule>
concept gate_is_not_const = requires(Rule& rule, double u) {
  rule.gate(u);
}
|| requires(Rule& rule, double u) { rule.gate(u, u); };

template <class Rule>
concept gate_sees_unit = requires(const Rule& rule, double u, const unit_of<Rule, double>& own) {
  rule.gate(u, own);
}
|| requires(const Rule& rule, double u, const unit_of<Rule, double>& own) { rule.gate(u, own, u); };

template <class Rule>
concept gate_row_takes_team = requires(const Rule& rule, const double* u, double* gates) {
  rule.gate_row(u, gates, std::size_t{}, math::team_of_one{});
};

/// Asserts that what a rule declares for its gate(u, own) or gate(u, own, w) can be used.
template <class Rule>
constexpr void check_unit_gate() {
  static_assert(has_states<Rule>,
                "localis: this rule's gate sees its unit's states, and what the rule says of them is not as expected. "
                "Expected, for float and double: template <class T> constexpr std::array<T, states> statistic(T u) "
                "const; std::array<double, states> state_rate; std::array<double, states> initial_state; the last two "
                "may be one double for all states");
  static_assert(!has_states<Rule> || has_unit_gate<Rule> || has_weight_gate<Rule>,
                "localis: this rule's gate sees its unit and does not return its first argument's type for float and "
                "double alike. Expected: template <class T> constexpr T gate(T u, const rule::unit<T, states>& own) "
                "const, or with a third argument, T w");
}

template <class Rule>
constexpr void check_gate() {
  constexpr bool no_gate = requires { &absent<Rule>::gate; };
  constexpr bool no_row_gate = requires { &absent<Rule>::gate_row; };
  if constexpr (!no_row_gate) {
    static_assert(has_row_gate<Rule>,
                  "localis: this rule's gate_row has another signature than expected. Expected: template <class T> "
                  "constexpr void gate_row(const T* u, T* gates, std::size_t units) const, for float and double");
  } else if constexpr (no_gate) {
    static_assert(has_gate<Rule>,
                  "localis: this rule has no gate. Expected: template <class T> constexpr T gate(T u) const, "
                  "which returns T");
  } else if constexpr (gate_sees_response<Rule>) {
    static_assert(has_gate<Rule>,
                  "localis: this rule's gate does not return its argument's type for float and double alike: it is "
                  "written for one of them, or a constant turns one into the other. Expected: template <class T> "
                  "constexpr T gate(T u) const");
  } else if constexpr (gate_sees_unit<Rule>) {
    check_unit_gate<Rule>();
  } else if constexpr (!gate_sees_state<Rule>) {
    static_assert(!gate_is_not_const<Rule>,
                  "localis: this rule's gate is not const. Expected: template <class T> constexpr T gate(T u) const");
    static_assert(gate_is_not_const<Rule>,
                  "localis: this rule's gate takes other arguments than expected. A gate sees its unit's response u "
                  "alone, or u and the unit's state s, or u and a rule::unit; inputs are the library's part: dW = "
                  "gate(u) x. "
                  "Expected: template <class T> constexpr T gate(T u) const");
  } else if constexpr (requires { &absent<Rule>::initial_state; }) {
    static_assert(has_state_gate<Rule>,
                  "localis: this rule's gate(u, s) sees a unit's state, and the rule does not say where the state "
                  "begins. Expected: static constexpr double initial_state = 1;");
  } else if constexpr (requires { &absent<Rule>::state_rate; }) {
    static_assert(has_state_gate<Rule>,
                  "localis: this rule's gate(u, s) sees a unit's state, and the rule does not say how fast the state "
                  "moves. Expected: double state_rate = 0.01;");
  } else if constexpr (requires { &absent<Rule>::statistic; }) {
    static_assert(has_state_gate<Rule>,
                  "localis: this rule's gate(u, s) sees a unit's state, and the rule does not say what the state "
                  "follows. Expected: template <class T> constexpr T statistic(T u) const");
  } else {
    static_assert(has_state_gate<Rule>,
                  "localis: a member of this rule with a state has another signature than expected. Expected, for "
                  "float and double: template <class T> constexpr T gate(T u, T s) const; template <class T> constexpr "
                  "T statistic(T u) const; double state_rate = 0.01; static constexpr double initial_state = 1;");
  }
}

/// Asserts that each member that has the name of an optional one can be used.
template <class Rule>
constexpr void check_optional_members() {
  static_assert(!has_row_gate<Rule> || has_team_gate<Rule> || !gate_row_takes_team<Rule>,
                "localis: this rule's gate_row takes a team, but not every one, and would be given none. Expected: "
                "template <class T, class Team = math::team_of_one> constexpr void gate_row(const T* u, T* gates, "
                "std::size_t units, const Team& team = {}) const");
  static_assert(
      !(has_unit_gate<Rule> || has_weight_gate<Rule>) || declared_states<Rule>() > 0 ||
          requires { &absent<Rule>::statistic; },
      "localis: this rule's gate sees its unit, and the rule has a statistic without saying how many states a "
      "unit has. Expected: static constexpr std::size_t states = 1;");
  static_assert(
      has_state_gate<Rule> || has_unit_gate<Rule> || has_weight_gate<Rule> ||
          requires {
            &absent<Rule>::statistic;
            &absent<Rule>::state_rate;
            &absent<Rule>::initial_state;
            &absent<Rule>::states;
          },
      "localis: this rule gives its units a state, which its gate does not see. Expected: template <class T> constexpr "
      "T gate(T u, T s) const");
  static_assert(
      has_pre<Rule> || requires { &absent<Rule>::pre; },
      "localis: this rule's pre has another signature than expected, and would be skipped. Expected, for float and "
      "double: template <class T> constexpr T pre(T x) const");
  static_assert(!has_pre<Rule> || !has_response_weight<Rule>,
                "localis: this rule has both pre and response_weight: the sums would see pre(X), and the gates X. Use "
                "one of the two");
  static_assert(
      !has_weight_gate<Rule> || !(
                                    has_forget<Rule> || has_active_gates<Rule> || has_response_weight<Rule> ||
                                    requires { Rule::forgets_by; } || requires { Rule::centred; }),
      "localis: this rule's gate(u, own, w) is computed for each weight, which leaves no gate of a unit for "
      "forget, forgets_by, centred, active_gates or response_weight to use. Let the gate depend on w instead");
  static_assert(
      has_forget<Rule> || requires { &absent<Rule>::forget; },
      "localis: this rule's forget has another signature than expected, and would be skipped. Expected, for "
      "float and double: template <class T> constexpr T forget(T u) const");
  static_assert(
      has_decay<Rule> || requires { &absent<Rule>::decay; },
      "localis: this rule's decay is not a number, and would be skipped. Expected: double decay = 0;");
  static_assert(
      has_unit_rate<Rule> || requires { &absent<Rule>::unit_rate; },
      "localis: this rule's unit_rate has another signature than expected, and would be skipped. Expected: "
      "template <class T> constexpr T unit_rate(T norm) const");
  static_assert(
      has_response_weight<Rule> ||
          requires {
            &absent<Rule>::response_weight;
            &absent<Rule>::weighs_response;
          },
      "localis: this rule's response_weight and weighs_response are not as expected, and would be skipped. Expected, "
      "for float and double: template <class T> constexpr T response_weight(T w) const; bool weighs_response() const");
  static_assert(
      has_active_gates<Rule> || requires { &absent<Rule>::active_gates; },
      "localis: this rule's active_gates has another signature than expected, and would be skipped. "
      "Expected: constexpr std::size_t active_gates() const");
  static_assert(
      has_validate<Rule> || requires { &absent<Rule>::validate; },
      "localis: this rule's validate has another signature than expected, and would be skipped. Expected: "
      "void validate() const");
  static_assert(
      requires {
        { Rule::forgets_by } -> std::convertible_to<matrix_forget>;
      } || requires { &absent<Rule>::forgets_by; },
      "localis: this rule's forgets_by is not as expected, and would be skipped. Expected: static constexpr "
      "matrix_forget forgets_by = matrix_forget::full;");
  static_assert(
      requires {
        { Rule::centred } -> std::convertible_to<bool>;
      } || requires { &absent<Rule>::centred; },
      "localis: this rule's centred is not as expected, and would be skipped. Expected: static constexpr bool "
      "centred = true;");
  static_assert(
      requires {
        { Rule::gate_is_response } -> std::convertible_to<bool>;
      } || requires { &absent<Rule>::gate_is_response; },
      "localis: this rule's gate_is_response is not as expected, and would be skipped. Expected: static constexpr bool "
      "gate_is_response = true;");
  static_assert(
      (supervised<Rule> &&
       requires {
         { Rule::remembers_errors } -> std::convertible_to<bool>;
       }) ||
          requires { &absent<Rule>::remembers_errors; },
      "localis: this rule's remembers_errors is not as expected, and would be skipped. Expected, of a rule that is "
      "supervised: static constexpr bool remembers_errors = true;");
  static_assert(
      requires {
        { Rule::name } -> std::convertible_to<const char*>;
      } || requires { &absent<Rule>::name; },
      "localis: this rule's name is not as expected, and would be skipped. Expected: static constexpr const "
      "char* name = \"my_rule\";");
}

}  // namespace detail

/// Explains at compile time what keeps Rule from being a local rule, or which of its optional members would be skipped.
/// The value is always true: the explanation is the compile error.
template <class Rule>
constexpr bool check_rule() {
  if constexpr (!std::is_trivially_copyable_v<Rule>) {
    static_assert(std::is_trivially_copyable_v<Rule>,
                  "localis: a rule must be a plain value: trivially copyable and default constructible; yours has a "
                  "member such as std::vector or std::string, or copies itself in its own way. A rule holds numbers; "
                  "what a unit remembers is its state, as rule/rule.hpp describes");
  } else if constexpr (!std::is_default_constructible_v<Rule>) {
    static_assert(
        std::is_default_constructible_v<Rule>,
        "localis: a rule must be a plain value: trivially copyable and default constructible; yours cannot be "
        "made without arguments. Give its members values to begin with; others are set at run time");
  } else if constexpr (!local_rule<Rule>) {
    detail::check_gate<Rule>();
  } else {
    detail::check_optional_members<Rule>();
  }
  return true;
}

}  // namespace localis::rule
