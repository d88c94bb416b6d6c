#include <array>
#include <cstddef>
#include <cstdint>

#include <doctest/doctest.h>

#include <localis/core/workspace.hpp>

using localis::workspace;

TEST_CASE("workspace: pieces are aligned, apart, and as measured") {
  alignas(workspace::alignment) std::array<std::byte, 512> block{};
  workspace pieces(block.data());
  auto* first = pieces.take<double>(9);         // 72 bytes: two cache lines
  auto* second = pieces.take<char>(1);          // one
  auto* third = pieces.take<std::int32_t>(16);  // one, exactly
  auto* nothing = pieces.take<float>(0);
  CHECK(reinterpret_cast<std::byte*>(first) == block.data());
  CHECK(reinterpret_cast<std::byte*>(second) == block.data() + 128);
  CHECK(reinterpret_cast<std::byte*>(third) == block.data() + 192);
  CHECK(reinterpret_cast<std::byte*>(nothing) == block.data() + 256);
  CHECK(pieces.used() == 256);

  workspace measure;
  CHECK(measure.take<double>(9) == nullptr);
  CHECK(measure.take<char>(1) == nullptr);
  CHECK(measure.take<std::int32_t>(16) == nullptr);
  CHECK(measure.used() == pieces.used());
}

TEST_CASE("workspace: round_up") {
  static_assert(workspace::round_up(0) == 0 && workspace::round_up(1) == 64 && workspace::round_up(64) == 64);
  CHECK(workspace::round_up(65) == 128);
}
