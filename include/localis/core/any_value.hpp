#pragma once

namespace localis::detail {

/// Converts to any type in unevaluated code, where it stands for an argument or a member of an unknown type. The
/// conversion is never called.
struct any_value {
  template <class T>
  constexpr operator T() const;
};
struct any_reference {
  template <class T>
  constexpr operator T&() const;
};

}  // namespace localis::detail
