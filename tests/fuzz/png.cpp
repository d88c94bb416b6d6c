#include <cstddef>
#include <cstdint>
#include <vector>

#include "picture.hpp"
#include <zlib.h>

namespace {

/// Every chunk (length, four letters, content, CRC) gets the CRC that it should have.
std::vector<std::uint8_t> with_checksums(fuzz::bytes file) {
  std::vector<std::uint8_t> result(file.begin(), file.end());
  const auto word = [&](std::size_t at) {
    std::size_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | result[at + i];
    return value;
  };
  for (std::size_t at = 8; at + 12 <= result.size();) {
    const std::size_t length = word(at);
    if (length > result.size() - at - 12) break;
    const auto crc = crc32_z(crc32_z(0, nullptr, 0), result.data() + at + 4, length + 4);
    at += 8 + length;
    for (const int shift : {24, 16, 8, 0}) result[at++] = static_cast<std::uint8_t>(crc >> shift);
  }
  return result;
}

}  // namespace

/// A PNG picture, whose checksums are set right.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t unfolded = 1032;  // of a byte, by deflate; a pixel of one bit becomes three bytes
  fuzz::read_as_picture(with_checksums({data, size}), "picture.png", 2 * 24 * unfolded);
  return 0;
}
