#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace localis {

namespace detail {

/// The bits of a number without its sign, and the bits of infinity. NaNs have larger bits than infinity.
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

/// Whether a number is neither NaN nor infinite, decided by its bits: with -ffast-math or -Ofast, std::isfinite is true
/// for every number.
template <float_or_double T>
[[nodiscard]] constexpr bool is_finite(T value) {
  return detail::magnitude_bits(value) < detail::infinity_bits<T>;
}
/// Whether a number is NaN, decided by its bits, so that it also works with -ffast-math.
template <float_or_double T>
[[nodiscard]] constexpr bool is_nan(T value) {
  return detail::magnitude_bits(value) > detail::infinity_bits<T>;
}

}  // namespace localis
