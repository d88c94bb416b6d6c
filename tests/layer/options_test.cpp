#include <type_traits>

#include <doctest/doctest.h>

#include <localis/core/operation.hpp>
#include <localis/layer/options.hpp>
#include <localis/rule/error_feedback.hpp>
#include <localis/rule/local_error.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>
#include <localis/rule/sanger.hpp>

namespace lo = localis;
using lo::detail::read_options;

TEST_CASE("layer options: defaults") {
  using none = read_options<>;
  static_assert(none::stride == 1 && none::padding == 0 && none::dilation == 1 && none::groups == 1);
  static_assert(none::has_bias && !none::has_stride && none::learning == lo::local_learning::none &&
                !none::orders_units);
  static_assert(std::is_same_v<none::bare_rule, lo::rule::gradient>);
}

TEST_CASE("layer options: any order is the same layer") {
  using one = read_options<lo::stride<2>, lo::padding<3>, lo::no_bias, lo::rule::oja, lo::groups<4>, lo::dilation<5>>;
  using other = read_options<lo::dilation<5>, lo::rule::oja, lo::groups<4>, lo::no_bias, lo::padding<3>, lo::stride<2>>;
  static_assert(one::stride == 2 && one::padding == 3 && one::dilation == 5 && one::groups == 4);
  static_assert(other::stride == 2 && other::padding == 3 && other::dilation == 5 && other::groups == 4);
  static_assert(one::has_stride && !one::has_bias && !other::has_bias);
  static_assert(std::is_same_v<one::rule, other::rule> && std::is_same_v<one::bare_rule, lo::rule::oja>);
}

TEST_CASE("layer options: what a rule asks of its layer, behind its policies too") {
  static_assert(read_options<lo::rule::local<lo::rule::sanger, lo::rule::unit_rows>>::orders_units);
  static_assert(read_options<lo::rule::error_feedback>::learning == lo::local_learning::supervised_by_errors);
  static_assert(read_options<lo::rule::local_error>::learning == lo::local_learning::supervised);
  static_assert(read_options<lo::rule::oja>::learning == lo::local_learning::unsupervised);
}
