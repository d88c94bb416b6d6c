#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace localis {

namespace detail {

/// The bits of a number without its sign, and those of infinity, behind which come those of NaN.
template <class T>
using bits_of_float = std::conditional_t<std::same_as<T, float>, std::uint32_t, std::uint64_t>;
template <class T>
constexpr bits_of_float<T> magnitude_bits(T value) {
  constexpr bits_of_float<T> sign = bits_of_float<T>{1} << (8 * sizeof(T) - 1);
  return std::bit_cast<bits_of_float<T>>(value) & static_cast<bits_of_float<T>>(~sign);
}
template <class T>
inline constexpr bits_of_float<T> infinity_bits = magnitude_bits(std::numeric_limits<T>::infinity());

}  // namespace detail

template <class T>
concept float_or_double = std::same_as<T, float> || std::same_as<T, double>;

/// Whether a number is neither NaN nor infinite, by its bits: std::isfinite is true of every number where a compiler
/// was told that there are no others (-ffast-math, -Ofast).
template <float_or_double T>
[[nodiscard]] constexpr bool is_finite(T value) {
  return detail::magnitude_bits(value) < detail::infinity_bits<T>;
}
/// The same for std::isnan.
template <float_or_double T>
[[nodiscard]] constexpr bool is_nan(T value) {
  return detail::magnitude_bits(value) > detail::infinity_bits<T>;
}

}  // namespace localis
