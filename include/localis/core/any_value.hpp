#pragma once

namespace localis::detail {

/// In place of an argument or a member of whatever type is wanted; never called.
struct any_value {
  template <class T>
  constexpr operator T() const;
};
struct any_reference {
  template <class T>
  constexpr operator T&() const;
};

}  // namespace localis::detail
