#pragma once

#include <initializer_list>
#include <limits>
#include <string>

#include <doctest/doctest.h>

#include <localis/core/error.hpp>

/// Values out of range: the message names the value, its range and what was found.
namespace localis_test {

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// What validate() says, or nothing.
template <class Value>
std::string fault(const Value& value) {
  try {
    value.validate();
  } catch (const localis::config_error& e) {
    return e.what();
  }
  return "";
}

/// `make(value)` is refused with this range for each of the bad ones, and taken for each of the good ones.
template <class Make>
void check_range(const std::string& name, const std::string& range, std::initializer_list<double> bad,
                 std::initializer_list<double> good, const Make& make) {
  for (const double value : bad) {
    CHECK(fault(make(value)) == localis::text(name, ": expected ", range, ", found ", value));
  }
  for (const double value : good) CHECK(fault(make(value)) == "");
}

}  // namespace localis_test
