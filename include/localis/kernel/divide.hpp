#pragma once

#include <cstddef>
#include <cstdint>

namespace localis::kernel {

/// What kernels count rows in has 32 bits.
inline constexpr std::size_t most_rows = 0xFFFFFFFF;

struct quotient {
  std::size_t whole;
  std::size_t remainder;
};

/// a = whole * b + rest, with rest < b: how kernels take an index of rows, positions or channels apart.
/// a and b are at most most_rows, as the rows and the columns of every array of a network are (model::prepare sees to
/// it): on a GPU, 64 bits are divided by a function, several times as slow, around whose call registers are spilled.
constexpr quotient divide(std::size_t a, std::size_t b) {
  const std::uint32_t whole = static_cast<std::uint32_t>(a) / static_cast<std::uint32_t>(b);
  return {whole, static_cast<std::uint32_t>(a) - whole * static_cast<std::uint32_t>(b)};
}

}  // namespace localis::kernel
