#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <localis/math/select.hpp>

namespace localis::math {

/// e^x for x <= 0, to 2 units in the last place; 0 where e^x is below the smallest normal number; NaN stays NaN. It has
/// no branches and no calls, so that loops over it vectorize.
///
///   e^x = 2^k e^r,  k = round(x / ln 2),  |r| <= ln 2 / 2:  e^r by its Taylor series, whose next term is lost in
///   rounding
template <class T>
constexpr T exp_of_negative(T x) {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>);
  constexpr bool narrow = std::is_same_v<T, float>;
  using bits = std::conditional_t<narrow, std::int32_t, std::int64_t>;
  constexpr int mantissa = std::numeric_limits<T>::digits - 1;
  constexpr int terms = narrow ? 7 : 13;
  constexpr T lowest = narrow ? T(-87.33654) : T(-708.39641853226408);  // ln of the smallest normal number
  // ln 2 in two parts, the first of few digits: k times it is exact (W. Cody, W. Waite 1980).
  constexpr T ln2_high = narrow ? T(0.693359375) : T(6.93145751953125e-1);
  constexpr T ln2_low = narrow ? T(-2.12194440054690583e-4) : T(1.42860682030941723212e-6);
  constexpr T one_by_ln2 = T(1.44269504088896340736);
  constexpr T rounder = T(3) * static_cast<T>(std::int64_t{1} << (mantissa - 1));  // its last digit counts ones

  const T clamped = select(x < lowest, lowest, x);
  const T shifted = clamped * one_by_ln2 + rounder;
  const T k = shifted - rounder;
  const T r = (clamped - k * ln2_high) - k * ln2_low;
  T series = T(1);
  for (int term = terms; term > 0; --term) series = series * r * (T(1) / static_cast<T>(term)) + T(1);
  const bits power = std::bit_cast<bits>(shifted) - std::bit_cast<bits>(rounder);
  const T scale = std::bit_cast<T>((power + (std::numeric_limits<T>::max_exponent - 1)) << mantissa);
  return select(x < lowest, T(0), series * scale);
}

}  // namespace localis::math
