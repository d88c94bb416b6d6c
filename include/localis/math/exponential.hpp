#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <localis/math/select.hpp>

namespace localis::math {

namespace detail {

/// 1, 1/2, 1/6 ... 1/N!
template <class T, std::size_t N>
inline constexpr std::array<T, N> inverse_factorials = [] {
  std::array<T, N> result{};
  double factorial = 1;
  for (std::size_t n = 0; n < N; ++n) result[n] = static_cast<T>(1 / (factorial *= static_cast<double>(n + 1)));
  return result;
}();

// ln 2 in two parts, the first of few digits: a whole number times it is exact (W. Cody, W. Waite 1980).
template <class T>
inline constexpr T ln2_high = std::is_same_v<T, float> ? T(0.693359375) : T(6.93145751953125e-1);
template <class T>
inline constexpr T ln2_low = std::is_same_v<T, float> ? T(-2.12194440054690583e-4) : T(1.42860682030941723212e-6);

template <class T>
using bits_of = std::conditional_t<std::is_same_v<T, float>, std::uint32_t, std::uint64_t>;

/// The parts of e^x = 2^k (1 + rise), where 1 + rise = e^r with |r| <= ln 2 / 2. Where x is not between `lowest` and
/// `highest`, both are meaningless.
template <class T>
struct exponential_parts {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>);
  static constexpr bool narrow = std::is_same_v<T, float>;
  /// ln of the smallest normal number, and of the largest one, but for a factor of sqrt 2
  static constexpr T lowest = narrow ? T(-87.33654) : T(-708.39641853226408);
  static constexpr T highest = narrow ? T(88.37626) : T(709.43613930310391);

  T power;  ///< 2^k
  T rise;   ///< e^r - 1 by its Taylor series, whose next term is lost in rounding

  constexpr explicit exponential_parts(T x) {
    constexpr int mantissa = std::numeric_limits<T>::digits - 1;
    constexpr std::size_t terms = narrow ? 7 : 13;
    constexpr T one_by_ln2 = T(1.44269504088896340736);
    // The last digit of the rounder counts ones, and its last digits become the exponent of 2^k.
    constexpr T rounder = T(3) * static_cast<T>(std::int64_t{1} << (mantissa - 1)) +
                          static_cast<T>(std::numeric_limits<T>::max_exponent - 1);
    constexpr std::array<T, terms> factors = inverse_factorials<T, terms>;

    const T shifted = x * one_by_ln2 + rounder;
    const T k = shifted - rounder;
    const T r = x - k * ln2_high<T> - k * ln2_low<T>;
    T series = factors[terms - 1];
    for (std::size_t term = terms - 1; term > 0; --term) series = series * r + factors[term - 1];
    rise = series * r;
    power = std::bit_cast<T>(std::bit_cast<bits_of<T>>(shifted) << mantissa);
  }
};

/// ln x for normal, finite x > 0: x = 2^k m with m between sqrt 1/2 and sqrt 2, and ln m = 2 artanh((m - 1) / (m + 1))
/// by its Taylor series, whose next term is lost in rounding.
template <class T>
constexpr T logarithm(T x) {
  constexpr int mantissa = std::numeric_limits<T>::digits - 1;
  constexpr int terms = std::is_same_v<T, float> ? 6 : 11;
  constexpr auto one = std::bit_cast<bits_of<T>>(T(1));
  constexpr auto least = std::bit_cast<bits_of<T>>(T(0.70710678118654752440));
  constexpr auto whole = static_cast<T>(std::int64_t{1} << mantissa);
  constexpr auto bias = static_cast<T>(std::numeric_limits<T>::max_exponent - 1);
  const bits_of<T> biased = (std::bit_cast<bits_of<T>>(x) + (one - least)) >> mantissa;
  const T k = std::bit_cast<T>(biased | std::bit_cast<bits_of<T>>(whole)) - (whole + bias);
  const T m = std::bit_cast<T>(std::bit_cast<bits_of<T>>(x) - (biased << mantissa) + one);
  const T s = (m - T(1)) / (m + T(1));
  const T z = s * s;
  T series = T(1) / T(2 * terms - 1);
  for (int term = terms - 1; term > 0; --term) series = series * z + T(1) / T(2 * term - 1);
  return k * ln2_high<T> + (k * ln2_low<T> + T(2) * s * series);
}

}  // namespace detail

/// e^x for x <= 0, to 2 units in the last place; 0 where e^x is below the smallest normal number; NaN stays NaN. It has
/// no branches and no calls, so that loops over it vectorize.
template <class T>
constexpr T exp_of_negative(T x) {
  const detail::exponential_parts<T> parts(x);
  return select(x < parts.lowest, T(0), parts.power * parts.rise + parts.power);
}

/// e^x - 1 for x <= 0, to 2 units in the last place, also where x is close to 0; NaN stays NaN. Loops over it
/// vectorize.
template <class T>
constexpr T expm1_of_negative(T x) {
  const detail::exponential_parts<T> parts(x);
  return select(x < parts.lowest, T(-1), parts.power * parts.rise + (parts.power - T(1)));
}

/// tanh x to 3 units in the last place; NaN stays NaN. Loops over it vectorize.
///
///   tanh |x| = (1 - e) / (1 + e),  e = e^(-2 |x|)
template <class T>
constexpr T tanh(T x) {
  const T size = select(x < T(0), -x, x);
  const T fall = expm1_of_negative(T(-2) * size);
  const T result = -fall / (T(2) + fall);
  return select(x < T(0), -result, result);
}

/// x^exponent for x >= 0, to 3 + 2 |ln(x^exponent)| units in the last place; NaN stays NaN. Numbers below the smallest
/// normal one count as 0, above sqrt 2 2^127 in float and sqrt 2 2^1023 in double as infinity. Loops over it vectorize
/// if the exponent is a local variable, which nothing in the loop can change.
///
///   x^exponent = e^(exponent ln x)
template <class T>
constexpr T power_of_positive(T x, T exponent) {
  constexpr T infinity = std::numeric_limits<T>::infinity();
  const T logarithm = exponent * detail::logarithm(x);
  const detail::exponential_parts<T> parts(logarithm);
  T result = parts.power * parts.rise + parts.power;
  result = select(logarithm < parts.lowest, T(0), result);
  result = select(logarithm > parts.highest, infinity, result);
  const T of_zero = exponent > T(0) ? T(0) : exponent < T(0) ? infinity : T(1);
  const T of_infinity = exponent > T(0) ? infinity : exponent < T(0) ? T(0) : T(1);
  result = select(x < (std::numeric_limits<T>::min)(), of_zero, result);
  result = select(x > (std::numeric_limits<T>::max)(), of_infinity, result);
  return select(x == x, result, x);
}

}  // namespace localis::math
