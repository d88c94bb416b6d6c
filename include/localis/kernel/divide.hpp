#pragma once

#include <cstddef>
#include <cstdint>

namespace localis::kernel {

/// The largest number of rows and of columns of an array, because kernels count them in 32 bits.
inline constexpr std::size_t most_rows = 0xFFFFFFFF;

struct quotient {
  std::size_t whole;
  std::size_t remainder;
};

/// Divides with remainder: a = whole * b + remainder, with remainder < b. Kernels split an index into rows, positions
/// or channels with it. a and b are at most most_rows, as are the rows and columns of every array of a network
/// (model::prepare checks that): a GPU divides 64-bit numbers by calling a function that is several times slower and
/// spills registers.
constexpr quotient divide(std::size_t a, std::size_t b) {
  const std::uint32_t whole = static_cast<std::uint32_t>(a) / static_cast<std::uint32_t>(b);
  return {whole, static_cast<std::uint32_t>(a) - whole * static_cast<std::uint32_t>(b)};
}

}  // namespace localis::kernel
