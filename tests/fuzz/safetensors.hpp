#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "fuzz.hpp"

namespace fuzz {

/// The input as a safetensors file. One that begins with { is a header, a line feed, values: the length in front is
/// made to fit, so that a change of the header's text leaves the rest where it is. Any other is a file as it stands.
[[nodiscard]] inline std::vector<std::uint8_t> safetensors_of(bytes input) {
  if (input.empty() || input[0] != '{') return {input.begin(), input.end()};
  const auto end = std::find(input.begin(), input.end(), '\n');
  const auto length = static_cast<std::uint64_t>(end - input.begin());
  std::vector<std::uint8_t> result;
  for (int shift = 0; shift < 64; shift += 8) result.push_back(static_cast<std::uint8_t>(length >> shift));
  result.insert(result.end(), input.begin(), end);
  if (end != input.end()) result.insert(result.end(), end + 1, input.end());
  return result;
}

/// Bits, as NaN is not equal to itself.
template <class Value>
[[nodiscard]] std::vector<std::uint64_t> bits(const std::vector<Value>& values) {
  std::vector<std::uint64_t> result;
  for (const Value value : values) {
    if constexpr (sizeof(Value) == 4)
      result.push_back(std::bit_cast<std::uint32_t>(value));
    else
      result.push_back(std::bit_cast<std::uint64_t>(value));
  }
  return result;
}

}  // namespace fuzz
