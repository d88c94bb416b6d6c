#include <cstddef>
#include <cstdint>

#include "picture.hpp"

/// A JPEG picture.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t pixels = 512;  // of a byte, at most; see jpeg.hpp
  fuzz::read_as_picture({data, size}, "picture.jpg", 16 * pixels);
  return 0;
}
