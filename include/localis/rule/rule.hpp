#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>

#include <localis/config.hpp>

/// What a stage does with its weights while it lies before the boundary.
///
/// The one-GEMM rules have the form
///
///   W <- W + eta ( (1/P) G^T X - diag(c) W ),    c_o = (1/P) sum_p G(p,o) R(p,o) + decay
///
///   X  P x I   stage input, one row per sample (convolution: per output position)
///   U  P x O   response X W^T, before bias, normalization and activation
///   G  P x O   gate(u), element by element, or of a whole row where units compete
///   R  P x O   recall(u): what forgetting is weighed by; 0 where a rule does not state one
///
/// A rule is a plain value that states them:
///
///   struct my_rule {
///     template <class T> constexpr T gate(T u) const { return u; }
///     template <class T> constexpr T recall(T u) const { return u; }   // optional
///     double decay = 0;                                                // optional, dimensionless
///     static constexpr const char* name = "my_rule";                   // optional, for summaries and messages
///   };
///
/// Where the units of a row compete (who is largest, softmax), the gate is that of a row:
///
///   template <class T> constexpr void gate_row(const T* u, T* gates, std::size_t units) const;
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

template <class Rule>
concept has_recall = requires(const Rule& rule, float f, double d) {
  { rule.recall(f) } -> std::same_as<float>;
  { rule.recall(d) } -> std::same_as<double>;
};

template <class Rule>
concept has_decay = requires(const Rule& rule) {
  { rule.decay } -> std::convertible_to<double>;
};

/// States what its parameters must be: throws config_error.
template <class Rule>
concept has_validate = requires(const Rule& rule) {
  rule.validate();
};

template <class Rule>
concept local_rule = policy_value<Rule> &&(has_gate<Rule> || has_row_gate<Rule>);

/// Never in the prefix: the boundary stops at a stage with this rule. The default of every layer.
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

/// gates = G of one row of responses u; not in place.
template <class Rule, class T>
constexpr void gate_row(const Rule& rule, const T* u, T* gates, std::size_t units) {
  if constexpr (has_row_gate<Rule>) {
    rule.gate_row(u, gates, units);
  } else {
    LOCALIS_VECTORIZE
    for (std::size_t o = 0; o < units; ++o) gates[o] = rule.gate(u[o]);
  }
}

template <class Rule, class T>
constexpr T recall(const Rule& rule, T u) {
  if constexpr (has_recall<Rule>) {
    return rule.recall(u);
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
