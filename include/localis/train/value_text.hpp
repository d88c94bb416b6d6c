#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>

#include <localis/core/any_value.hpp>

/// Converts the members of a plain value to text, by which two runs are compared.
namespace localis::detail {

template <class T>
struct any_base_of {
  template <class Base>
  requires(std::is_base_of_v<Base, T> && !std::same_as<Base, T>) constexpr operator Base() const;
};

template <class T, std::size_t... Is>
constexpr bool takes_members(std::index_sequence<Is...>) {
  return requires { T{(static_cast<void>(Is), any_value{})...}; };
}
/// The number of members of an aggregate, if none is a C array: each element of a C array counts as a member.
template <class T, std::size_t Count = 0>
constexpr std::size_t member_count() {
  if constexpr (takes_members<T>(std::make_index_sequence<Count + 1>{})) {
    return member_count<T, Count + 1>();
  } else {
    return Count;
  }
}
/// Whether member I accepts a list of two values in place of two members, as a C array does.
template <class T, std::size_t... Head, std::size_t... Tail>
constexpr bool is_array_at(std::index_sequence<Head...>, std::index_sequence<Tail...>) {
  return requires { T{(static_cast<void>(Head), any_value{})..., {any_value{}, any_value{}}}; }
  &&!requires {
    T{(static_cast<void>(Head), any_value{})..., {any_value{}, any_value{}}, (static_cast<void>(Tail), any_value{})...};
  };
}
template <class T, std::size_t... Is>
constexpr bool has_array(std::index_sequence<Is...>) {
  return (is_array_at<T>(std::make_index_sequence<Is>{}, std::make_index_sequence<sizeof...(Is) - 1 - Is>{}) || ... ||
          false);
}

/// An aggregate whose members structured bindings can name.
template <class T>
constexpr bool has_open_members() {
  if constexpr (std::is_aggregate_v<T> && !std::is_empty_v<T> && !std::is_array_v<T> &&
                !requires { T{any_base_of<T>{}}; }) {
    constexpr std::size_t count = member_count<T>();
    if constexpr (count > 0 && count <= 8) return !has_array<T>(std::make_index_sequence<count>{});
  }
  return false;
}

/// The shortest text from which the same number is read.
inline std::string number_text(double value) {
  std::array<char, 32> digits{};
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
}

template <class T>
void append_value(std::string& target, const T& value);

template <class... Members>
void append_values(std::string& target, const Members&... members) {
  (append_value(target, members), ...);
}

/// Adds " 0.1" for each number in a plain value: members of aggregates and elements of std::array in their order. A
/// type with private members, bases, C arrays or more than eight members is represented by its bytes if these determine
/// its value, and by nothing otherwise.
template <class T>
void append_value(std::string& target, const T& value) {
  if constexpr (std::is_enum_v<T>) {
    append_value(target, static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (std::floating_point<T>) {
    target += ' ' + number_text(static_cast<double>(value));
  } else if constexpr (std::integral<T>) {
    target += ' ' + std::to_string(value);
  } else if constexpr (requires {
                         std::tuple_size<T>::value;
                         value.begin();
                       }) {
    for (const auto& one : value) append_value(target, one);
  } else if constexpr (has_open_members<T>()) {
    constexpr std::size_t count = member_count<T>();
    if constexpr (count == 1) {
      const auto& [a] = value;
      append_values(target, a);
    } else if constexpr (count == 2) {
      const auto& [a, b] = value;
      append_values(target, a, b);
    } else if constexpr (count == 3) {
      const auto& [a, b, c] = value;
      append_values(target, a, b, c);
    } else if constexpr (count == 4) {
      const auto& [a, b, c, d] = value;
      append_values(target, a, b, c, d);
    } else if constexpr (count == 5) {
      const auto& [a, b, c, d, e] = value;
      append_values(target, a, b, c, d, e);
    } else if constexpr (count == 6) {
      const auto& [a, b, c, d, e, f] = value;
      append_values(target, a, b, c, d, e, f);
    } else if constexpr (count == 7) {
      const auto& [a, b, c, d, e, f, g] = value;
      append_values(target, a, b, c, d, e, f, g);
    } else {
      const auto& [a, b, c, d, e, f, g, h] = value;
      append_values(target, a, b, c, d, e, f, g, h);
    }
  } else if constexpr (std::has_unique_object_representations_v<T> && !std::is_empty_v<T>) {
    std::array<unsigned char, sizeof(T)> bytes{};
    std::memcpy(bytes.data(), &value, sizeof(T));
    for (const unsigned char byte : bytes) target += ' ' + std::to_string(byte);
  }
}

}  // namespace localis::detail
