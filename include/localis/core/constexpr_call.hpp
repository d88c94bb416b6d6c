#pragma once

#include <cmath>
#include <type_traits>

/// Every function that a kernel calls must be constexpr: nvcc silently drops the call of any other function, and the
/// kernel lacks that part or is empty. So the library checks the functions of a policy where the policy is used, even
/// on the host:
///
///   LOCALIS_CONSTEXPR_CALL(check_gate, "localis: rule: gate", Policy{}.gate(T(0.5)));     at namespace scope
///   static_assert(check_gate<my_rule, float>());
///
/// g++, alone or under nvcc, evaluates the call with these arguments, and everything that it calls. A function that
/// needs something that exists only at run time, such as the memory behind a pointer, begins with
///
///   if (std::is_constant_evaluated()) return u;
///
/// clang does not evaluate <cmath>. It checks the function itself but not the functions that it calls, and reports
/// "non-constexpr function 'gate<float>' cannot be used in a constant expression". Arguments must not call functions.
#if defined(__clang__) && !defined(__CUDACC__)
#define LOCALIS_CONSTEXPR_CALL(name, what, ...)                                                         \
  template <class Policy, class T>                                                                      \
  inline constexpr bool name##_passes = true;                                                           \
  _Pragma("clang diagnostic push")                                                                      \
      _Pragma("clang diagnostic ignored \"-Wgcc-compat\"") template <class Policy, class T>             \
      constexpr bool name() __attribute__((diagnose_if(((void)(__VA_ARGS__), false), what, "error"))) { \
    return true;                                                                                        \
  }                                                                                                     \
  _Pragma("clang diagnostic pop") static_assert(true)
#else
#define LOCALIS_CONSTEXPR_CALL(name, what, ...)                                                           \
  template <class Policy, class T>                                                                        \
  inline constexpr bool name##_passes = !localis::detail::evaluates_calls<T> || requires {                \
    typename std::bool_constant<((void)(__VA_ARGS__), true)>;                                             \
  };                                                                                                      \
  template <class Policy, class T>                                                                        \
  constexpr bool name() {                                                                                 \
    static_assert(name##_passes<Policy, T>, what " must be constexpr (localis/core/constexpr_call.hpp)"); \
    return true;                                                                                          \
  }                                                                                                       \
  static_assert(true)
#endif

namespace localis::detail {

/// Storage whose address may be compared with null: g++ does not do so for parts of a temporary object.
template <class T>
inline constexpr T values_of_row[2] = {T(0.5), T(0.5)};

/// Whether this compiler evaluates <cmath> and comparisons with null: g++ does, unless -fno-builtin, -frounding-math,
/// -fsanitize=undefined or -fno-delete-null-pointer-checks forbids it; nvcc's own front end does not, but the host
/// compiler behind it sees the same source.
template <class T>
inline constexpr bool evaluates_calls = requires {
  typename std::bool_constant<(std::tanh(T(0.7)) > std::log(std::sqrt(T(0.7))))>;
  typename std::bool_constant<(std::pow(T(0.7), 0.3) > 0)>;  // in double, whatever T
  typename std::bool_constant<(values_of_row<T> != nullptr)>;
};

/// Arguments for functions of a row: two values to read, two to write.
template <class T>
struct pair_of {
  T source[2] = {T(0.5), T(0.25)};
  T target[2] = {T(0.5), T(0.25)};
};

/// *one_of<T>{}.value: an argument for a function that changes a T.
template <class T>
struct one_of {
  T value[1]{};
};

}  // namespace localis::detail
