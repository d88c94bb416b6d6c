#include <algorithm>
#include <array>
#include <atomic>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <thread>

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <localis/cpu/parallel.hpp>

namespace lo = localis;

TEST_CASE("parallel_for: every lane runs once") {
  for (const std::size_t lanes : std::initializer_list<std::size_t>{1, 2, 5}) {
    std::array<std::atomic<int>, 5> runs{};
    lo::cpu::parallel_for(lanes, [&](std::size_t lane) { ++runs[lane]; });
    for (std::size_t lane = 0; lane < 5; ++lane) CHECK(runs[lane] == (lane < lanes ? 1 : 0));
  }
}

TEST_CASE("parallel_for: the exception of the lowest lane comes out, and the thread count stays") {
  const std::size_t before = lo::cpu::available_threads();
  for (int round = 0; round < 5; ++round) {
    std::string message;
    try {
      lo::cpu::parallel_for(4, [](std::size_t lane) {
        if (lane % 2 == 1) throw std::runtime_error("lane " + std::to_string(lane));
      });
    } catch (const std::runtime_error& e) {
      message = e.what();
    }
    CHECK(message == "lane 1");
  }
  CHECK(lo::cpu::available_threads() == before);
}

#if defined(_OPENMP)
TEST_CASE("parallel_for: in a process forked after lanes ran, they run one after the other, and nothing waits") {
  const auto lanes_of = [] {
    std::array<std::atomic<int>, 4> runs{};
    lo::cpu::parallel_for(4, [&](std::size_t lane) { ++runs[lane]; });
    return std::all_of(runs.begin(), runs.end(), [](int count) { return count == 1; });
  };
  CHECK(lanes_of());
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);  // ends a child that hangs
    const std::thread::id here = std::this_thread::get_id();
    bool alone = true;
    lo::cpu::parallel_for(4, [&](std::size_t) { alone = alone && std::this_thread::get_id() == here; });
    std::string message;
    try {
      lo::cpu::parallel_for(4, [](std::size_t lane) {
        if (lane % 2 == 1) throw std::runtime_error("lane " + std::to_string(lane));
      });
    } catch (const std::runtime_error& e) {
      message = e.what();
    }
    ::_exit(alone && lanes_of() && message == "lane 1" ? 0 : 1);
  }
  REQUIRE(child > 0);
  int status = -1;
  CHECK(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(lanes_of());
}
#endif

TEST_CASE("part_of: parts follow on each other, cover all, are near equal and begin on the grain") {
  for (const std::size_t size : std::initializer_list<std::size_t>{0, 1, 7, 64, 1000}) {
    for (const std::size_t lanes : std::initializer_list<std::size_t>{1, 2, 3, 7}) {
      for (const std::size_t grain : std::initializer_list<std::size_t>{1, 8, 64}) {
        std::size_t end = 0;
        for (std::size_t lane = 0; lane < lanes; ++lane) {
          const lo::cpu::range part = lo::cpu::part_of(size, lane, lanes, grain);
          CHECK(part.begin == end);
          CHECK(part.end >= part.begin);
          CHECK((part.begin % grain == 0 || part.begin == size));
          CHECK(part.size() <= ((size + grain - 1) / grain + lanes - 1) / lanes * grain);
          end = part.end;
        }
        CHECK(end == size);
      }
    }
  }
}
