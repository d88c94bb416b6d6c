#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <thread>
#include <utility>

#include <doctest/doctest.h>

#include <localis/core/memory.hpp>

using localis::host_memory;
using localis::memory_kind;
using array = localis::buffer<float, host_memory>;

TEST_CASE("buffer: zeroed, aligned, counted, and given back") {
  const auto memory = std::make_shared<host_memory>();
  const localis::memory_counters& counters = memory->counters();
  {
    const array weights(memory, memory_kind::parameters, 100);
    const array arena(memory, memory_kind::arena, 7);
    CHECK(reinterpret_cast<std::uintptr_t>(arena.data()) % host_memory::alignment == 0);
    CHECK(std::all_of(weights.span().begin(), weights.span().end(), [](float x) { return x == 0; }));
    CHECK(counters.held(memory_kind::parameters) == 400);
    CHECK(counters.held(memory_kind::arena) == 28);
    CHECK(counters.held(memory_kind::rule_state) == 0);
    CHECK(counters.total == 428);
  }
  CHECK(counters.total == 0);
  CHECK(counters.held(memory_kind::parameters) == 0);
  CHECK(counters.peak == 428);
  const array nothing(memory, memory_kind::arena, 0);
  CHECK(nothing.empty());
  CHECK(counters.allocations == 2);
}

TEST_CASE("buffer: moves hand the bytes on, and free what they replace") {
  const auto memory = std::make_shared<host_memory>();
  array first(memory, memory_kind::arena, 10);
  first.span()[3] = 5;
  array second(std::move(first));
  CHECK(second.span()[3] == 5);
  CHECK(memory->counters().total == 40);
  array third(memory, memory_kind::arena, 100);
  third = std::move(second);
  CHECK(third.size() == 10);
  CHECK(third.span()[3] == 5);
  CHECK(memory->counters().total == 40);
  third = {};
  CHECK(memory->counters().total == 0);
}

TEST_CASE("memory_counters: threads that share them lose no byte") {
  const auto memory = std::make_shared<host_memory>();
  const auto work = [&] {
    for (int again = 0; again < 20000; ++again) {
      const array one(memory, memory_kind::arena, 4);
      const array other(memory, memory_kind::parameters, 1);
    }
  };
  std::thread second(work);
  work();
  second.join();
  const localis::memory_counters seen = memory->counters().snapshot();
  CHECK(seen.total == 0);
  CHECK(seen.held(memory_kind::arena) == 0);
  CHECK(seen.held(memory_kind::parameters) == 0);
  CHECK(seen.allocations == 80000);
  CHECK(seen.peak >= 20);
  CHECK(seen.peak <= 40);
  memory->counters().forget_peak();
  CHECK(memory->counters().peak == 0);
}

TEST_CASE("host_memory: too much is an error that says how much") {
  const auto memory = std::make_shared<host_memory>();
  const array some(memory, memory_kind::arena, 4);
  constexpr std::size_t too_much = std::numeric_limits<std::size_t>::max() / 4;
  CHECK_THROWS_WITH_AS(
      (void)memory->allocate(memory_kind::arena, too_much),
      "out of memory: asked for 4611686018427387903 bytes for the arena; in use here: 0 of parameters, "
      "0 of rules' states, 0 of optimizer's states, 0 of kept features, 16 of the arena",
      localis::error);
  CHECK(memory->counters().total == 16);
}
