#pragma once

#include <type_traits>

#include <localis/math/activation.hpp>
#include <localis/rule/anti_hebb.hpp>
#include <localis/rule/bcm.hpp>
#include <localis/rule/covariance.hpp>
#include <localis/rule/error_feedback.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/rule/instar.hpp>
#include <localis/rule/k_winners.hpp>
#include <localis/rule/krotov_hopfield.hpp>
#include <localis/rule/local_error.hpp>
#include <localis/rule/nonlinear_hpca.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/phsic.hpp>
#include <localis/rule/predsim.hpp>
#include <localis/rule/sanger.hpp>
#include <localis/rule/similarity_error.hpp>
#include <localis/rule/soft_hebb.hpp>
#include <localis/rule/soft_winner_take_all.hpp>
#include <localis/rule/subspace.hpp>

namespace localis::rule {

template <class... Rules>
struct rule_list {};

/// Every rule that the library ships, once, with its default values. Tests on all backends, benchmarks, the comparison
/// of rules and the table of their costs go through this list: a new rule is one more line here.
using shipped = rule_list<hebb, anti_hebb, covariance, oja, subspace, sanger, nonlinear_hpca<tanh_function>, bcm,
                          instar, k_winners, soft_winner_take_all, soft_hebb, krotov_hopfield, local_error,
                          similarity_error, predsim<>, phsic, error_feedback>;

/// Calls f(std::type_identity<Rule>{}) for each rule of a list, in order.
template <class... Rules, class F>
constexpr void for_each_rule(rule_list<Rules...>, const F& f) {
  (f(std::type_identity<Rules>{}), ...);
}

}  // namespace localis::rule
