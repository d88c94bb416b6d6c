#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <localis/data/dataset.hpp>

namespace examples {

inline constexpr std::size_t digit_count = 1797;
// clang-format off
inline constexpr char digit_lines[digit_count][66] = {
#include "data/digits.inc"
};
// clang-format on

/// Returns 1,797 handwritten digits as pictures of 28 x 28; data/digits.inc names their source and license. Each is
/// enlarged three times by linear interpolation to 24 x 24, with a border of 2 pixels; the values 0 to 16 are scaled to
/// 0 to 255 and rounded. The order is that of the source, so split them at random with split().
[[nodiscard]] inline localis::data::images digits() {
  constexpr std::size_t side = 28;
  constexpr std::size_t border = 2;
  constexpr int full = 16 * 9;  // the largest value times the sum of the nine weights
  std::vector<std::uint8_t> pixels(digit_count * side * side);
  std::vector<std::uint32_t> labels(digit_count);

  for (std::size_t digit = 0; digit < digit_count; ++digit) {
    const std::string_view line(digit_lines[digit], 65);
    labels[digit] = static_cast<std::uint32_t>(line[0] - '0');
    const auto source = [line](std::size_t row, std::size_t column) {
      const bool in_picture = row < 8 && column < 8;  // row and column -1 wrap to the largest size_t
      return in_picture ? line[1 + 8 * row + column] - 'a' : 0;
    };
    // Output 3k + 1 sits on source k; 3k and 3k + 2 lie a third of the way to the neighbour.
    for (std::size_t y = 0; y < 24; ++y)
      for (std::size_t x = 0; x < 24; ++x) {
        const std::size_t row = y / 3;
        const std::size_t column = x / 3;
        const std::size_t next_row = row + y % 3 - 1;
        const std::size_t next_column = column + x % 3 - 1;
        const int sum = 4 * source(row, column) + 2 * source(next_row, column) + 2 * source(row, next_column) +
                        source(next_row, next_column);
        pixels[(digit * side + border + y) * side + border + x] =
            static_cast<std::uint8_t>((sum * 255 + full / 2) / full);
      }
  }
  return localis::data::images({side, side, 1}, std::move(pixels), std::move(labels), 10);
}

}  // namespace examples
