#include <cstddef>

#include <doctest/doctest.h>

#include <localis/model/arena_planner.hpp>

using planner = localis::detail::arena_planner;
using use = planner::use;

TEST_CASE("arena planner: arrays share bytes where their lives do not meet") {
  planner arena;
  const std::size_t first = arena.add(640, 0, use::activation);
  const std::size_t second = arena.add(1280, 1, use::activation);
  const std::size_t third = arena.add(640, 2, use::activation);
  arena.extend(first, 1);
  arena.extend(second, 2);
  CHECK(arena.place() == 1920);
  CHECK(arena[second].offset == 0);
  CHECK(arena[first].offset == 1280);
  CHECK(arena[third].offset == 1280);
}

TEST_CASE("arena planner: a life never becomes shorter, and sizes are rounded up to a cache line") {
  planner arena;
  const std::size_t first = arena.add(1, 0, use::scratch);
  arena.extend(first, 3);
  arena.extend(first, 1);
  const std::size_t second = arena.add(65, 3, use::scratch);
  CHECK(arena[first].last == 3);
  CHECK(arena[first].bytes == 64);
  CHECK(arena[second].bytes == 128);
  CHECK(arena.place() == 192);
}

TEST_CASE("arena planner: an array goes into the lowest gap that it fits into") {
  planner arena;
  const std::size_t wide = arena.add(640, 0, use::activation);
  const std::size_t long_lived = arena.add(320, 0, use::activation);
  arena.extend(long_lived, 2);
  const std::size_t fits = arena.add(256, 1, use::gradient);
  const std::size_t fills = arena.add(192, 2, use::gradient);
  CHECK(arena.place() == 960);
  CHECK(arena[wide].offset == 0);
  CHECK(arena[long_lived].offset == 640);
  CHECK(arena[fits].offset == 0);
  CHECK(arena[fills].offset == 0);
}

TEST_CASE("arena planner: the peak of a use is its largest sum at one moment") {
  planner arena;
  arena.extend(arena.add(64, 0, use::activation), 1);
  arena.extend(arena.add(128, 1, use::activation), 2);
  arena.add(640, 1, use::gradient);
  CHECK(arena.peak(use::activation) == 192);
  CHECK(arena.peak(use::gradient) == 640);
  CHECK(arena.peak(use::scratch) == 0);
}
