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

/// The parts of e^x = 2^k (1 + rise), where 1 + rise = e^r with |r| <= ln 2 / 2, for x <= 0. Where e^x is below the
/// smallest normal number, both are meaningless.
template <class T>
struct exponential_parts {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>);
  static constexpr bool narrow = std::is_same_v<T, float>;
  /// ln of the smallest normal number
  static constexpr T lowest = narrow ? T(-87.33654) : T(-708.39641853226408);

  T power;  ///< 2^k
  T rise;   ///< e^r - 1 by its Taylor series, whose next term is lost in rounding

  constexpr explicit exponential_parts(T x) {
    using bits = std::conditional_t<narrow, std::uint32_t, std::uint64_t>;
    constexpr int mantissa = std::numeric_limits<T>::digits - 1;
    constexpr std::size_t terms = narrow ? 7 : 13;
    // ln 2 in two parts, the first of few digits: k times it is exact (W. Cody, W. Waite 1980).
    constexpr T ln2_high = narrow ? T(0.693359375) : T(6.93145751953125e-1);
    constexpr T ln2_low = narrow ? T(-2.12194440054690583e-4) : T(1.42860682030941723212e-6);
    constexpr T one_by_ln2 = T(1.44269504088896340736);
    // The last digit of the rounder counts ones, and its last digits become the exponent of 2^k.
    constexpr T rounder = T(3) * static_cast<T>(std::int64_t{1} << (mantissa - 1)) +
                          static_cast<T>(std::numeric_limits<T>::max_exponent - 1);
    constexpr std::array<T, terms> factors = inverse_factorials<T, terms>;

    const T shifted = x * one_by_ln2 + rounder;
    const T k = shifted - rounder;
    const T r = (x - k * ln2_high) - k * ln2_low;
    T series = factors[terms - 1];
    for (std::size_t term = terms - 1; term > 0; --term) series = series * r + factors[term - 1];
    rise = series * r;
    power = std::bit_cast<T>(std::bit_cast<bits>(shifted) << mantissa);
  }
};

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

}  // namespace localis::math
