#include <type_traits>

#include <doctest/doctest.h>

#include <localis/core/any_value.hpp>

using localis::detail::any_reference;
using localis::detail::any_value;

namespace {

struct members {
  int number;
  const char* text;
};
template <class... Values>
concept makes_members = requires {
  members{Values{}...};
};

}  // namespace

TEST_CASE("any_value: stands for an argument and for a member of any type") {
  static_assert(std::is_convertible_v<any_value, int> && std::is_convertible_v<any_value, members>);
  static_assert(std::is_invocable_v<int (*)(double, const members&), any_value, any_value>);
  static_assert(makes_members<any_value, any_value> && !makes_members<any_value, any_value, any_value>);
}

TEST_CASE("any_reference: stands for what a function changes, where any_value does not") {
  static_assert(std::is_invocable_v<int (*)(double&), any_reference>);
  static_assert(!std::is_invocable_v<int (*)(double&), any_value>);
}
