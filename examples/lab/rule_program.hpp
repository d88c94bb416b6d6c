#pragma once

#include <type_traits>
#include <vector>

#include "settings.hpp"

#include <localis/rule/hebb.hpp>
#include <localis/rule/k_winners.hpp>
#include <localis/rule/local_error.hpp>
#include <localis/rule/nonlinear_hpca.hpp>
#include <localis/rule/phsic.hpp>
#include <localis/rule/predsim.hpp>
#include <localis/rule/rule.hpp>
#include <localis/rule/shipped.hpp>
#include <localis/rule/similarity_error.hpp>

/// The comparison of all local rules: its runs, and the settings with which it begins.
namespace examples {

/// Whether a rule orders its units, which then cannot be more than their inputs, as those of the first stage are: Oja's
/// rule stands in there.
template <class Rule>
inline constexpr bool orders_units = localis::rule::forgets_by<Rule>() == localis::rule::matrix_forget::lower;

/// Whether a rule compares the samples of a batch in pairs, by itself or by a part of its loss.
template <class Rule>
inline constexpr bool in_pairs = localis::rule::compares_samples<Rule> || requires(const Rule& rule) {
  requires localis::rule::compares_samples<std::remove_cvref_t<decltype(rule.similarity)>>;
};
static_assert(in_pairs<localis::rule::similarity_error> && in_pairs<localis::rule::phsic> &&
              in_pairs<localis::rule::predsim<>> && !in_pairs<localis::rule::local_error>);

/// The value with which a rule is compared: its default, but for two.
template <class Rule>
inline constexpr Rule compared{};
template <>
inline constexpr localis::rule::hebb compared<localis::rule::hebb>{.decay = 0.1};
template <>
inline constexpr localis::rule::k_winners compared<localis::rule::k_winners>{.winners = 4};

namespace detail {

/// What stands beside a rule's name in tables.
template <class Rule>
inline constexpr const char* rule_note = orders_units<Rule> ? "stage 0: oja" : "";
template <>
inline constexpr const char* rule_note<localis::rule::hebb> = "decay 0.1";
template <>
inline constexpr const char* rule_note<localis::rule::k_winners> = "4 winners";
template <>
inline constexpr const char* rule_note<localis::rule::nonlinear_hpca<localis::tanh_function>> = "tanh; stage 0: oja";

[[nodiscard]] inline std::vector<run_kind> rule_kinds() {
  namespace rule = localis::rule;
  std::vector<run_kind> kinds{
      {.name = "sgd"},
      {.name = "sgd sampled", .note = "every 2nd or 3rd position of large maps", .usual = false},
      {.name = "frozen"},
      {.name = "frozen (batch)"}};
  rule::for_each_rule(rule::shipped{}, [&]<class Rule>(std::type_identity<Rule>) {
    kinds.push_back({.name = rule::name<Rule>(),
                     .note = rule_note<Rule>,
                     .rule = true,
                     .supervised = rule::supervised<Rule>,
                     .pairs = in_pairs<Rule>});
  });
  kinds.push_back({.name = "sgd short", .follows = "oja"});
  return kinds;
}

}  // namespace detail

[[nodiscard]] inline settings rules_program() {
  static const std::vector<run_kind> kinds = detail::rule_kinds();
  settings defaults;
  defaults.epochs = 10;
  defaults.local_rate = 1e-5;
  defaults.comparison = {.name = "rules",
                         .what =
                             "Trains one network with each local rule before the same boundary, and compares "
                             "accuracy, time and memory.",
                         .network = "six_stages",
                         .kinds = kinds,
                         .of_rules = true};
  return defaults;
}

}  // namespace examples
