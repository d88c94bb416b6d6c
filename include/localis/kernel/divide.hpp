#pragma once

#include <cstddef>
#include <cstdint>

namespace localis::kernel {

/// The largest number of rows and of columns of an array, because kernels count them in 32 bits, of which divider
/// leaves one.
inline constexpr std::size_t most_rows = 0x7FFFFFFF;

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

/// Returns a number that fits in 32 bits in 32 bits.
constexpr std::uint32_t narrow(std::size_t n) { return static_cast<std::uint32_t>(n); }

/// Divides with remainder by a number that is known before a kernel is launched, with one multiplication and one shift.
/// The host computes the factor, because a GPU needs about twenty instructions for a division.
///
///   a / b = floor(a factor / 2^(31 + shift)),   shift = ceil(log2 b),   factor = ceil(2^(31 + shift) / b)
///
/// Limits: a and b are at most most_rows. An extent b of 0 counts as 1: an empty array has no index to split.
/// Source: T. Granlund and P. L. Montgomery, Division by invariant integers using multiplication, PLDI 1994,
/// theorem 4.2.
class divider {
 public:
  constexpr divider() = default;  // divides by 1
  constexpr explicit divider(std::size_t divisor) : divisor_(narrow(divisor > 0 ? divisor : 1)) {
    while ((std::uint64_t{1} << shift_) < divisor_) ++shift_;
    factor_ = static_cast<std::uint32_t>(((std::uint64_t{1} << (31 + shift_)) + divisor_ - 1) / divisor_);
  }

  /// Both are in 32 bits, which take half the registers of a GPU and one instruction to multiply.
  struct result {
    std::uint32_t whole;
    std::uint32_t remainder;
  };
  constexpr result operator()(std::uint32_t a) const {
    const std::uint32_t twice = 2 * a;
    const std::uint32_t whole = static_cast<std::uint32_t>((std::uint64_t{twice} * factor_) >> 32) >> shift_;
    return {whole, a - whole * divisor_};
  }

 private:
  std::uint32_t divisor_ = 1;
  std::uint32_t factor_ = std::uint32_t{1} << 31;
  std::uint32_t shift_ = 0;
};

}  // namespace localis::kernel
