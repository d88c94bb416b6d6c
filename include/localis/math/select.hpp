#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

namespace localis::math {

/// Returns `yes` if `condition` holds, else `no`, for loops that must vectorize. Both values are computed first. Of
/// `condition ? a * b : c`, g++ moves the product into a branch, and a loop with branches stays scalar where vector
/// registers have no masks (AVX2).
template <class T>
constexpr T select(bool condition, T yes, T no) {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>);
  using bits = std::conditional_t<std::is_same_v<T, float>, std::uint32_t, std::uint64_t>;
  const bits mask = condition ? ~bits{0} : bits{0};
  return std::bit_cast<T>((std::bit_cast<bits>(yes) & mask) | (std::bit_cast<bits>(no) & ~mask));
}

}  // namespace localis::math
