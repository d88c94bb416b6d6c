// Every rule that is shipped, with a case of its own for each.

#include <tuple>
#include <type_traits>

#include "support/rule_cases.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/rule/shipped.hpp>

namespace lo = localis;
using reference = lo::reference::backend<double>;

namespace {

template <class... Rules>
auto without_supervised(lo::rule::rule_list<Rules...>) {
  return std::tuple_cat(std::conditional_t<lo::rule::supervised<Rules>, std::tuple<>, std::tuple<Rules>>{}...);
}
using rules = decltype(without_supervised(lo::rule::shipped{}));

}  // namespace

TEST_CASE_TEMPLATE_DEFINE("rules: the library's update is the formula's, and a batch's the mean of its samples'", Rule,
                          formula) {
  localis_test::check_formula<Rule, reference>();
}
TEST_CASE_TEMPLATE_APPLY(formula, rules);

TEST_CASE_TEMPLATE_DEFINE("rules: a convolution learns as the dense rule on its unfolded input", Rule, unfolded) {
  localis_test::check_unfolded<Rule, reference>();
}
TEST_CASE_TEMPLATE_APPLY(unfolded, rules);

TEST_CASE(
    "rules: with other values, and of one's own, the update is the formula's, and a convolution's the dense one") {
  localis_test::for_each_other_value([]<class Rule>(const Rule& value) {
    localis_test::check_formula<Rule, reference>(value);
    localis_test::check_unfolded<Rule, reference>(value);
  });
  localis_test::check_formula<localis_test::presynaptic_hebb, reference>();
}
