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

#include <localis/backend/cpu/parallel.hpp>

namespace lo = localis;

TEST_CASE("parallel_for: every thread runs once") {
  for (const std::size_t threads : std::initializer_list<std::size_t>{1, 2, 5}) {
    std::array<std::atomic<int>, 5> runs{};
    lo::cpu::parallel_for(threads, [&](std::size_t thread) { ++runs[thread]; });
    for (std::size_t thread = 0; thread < 5; ++thread) CHECK(runs[thread] == (thread < threads ? 1 : 0));
  }
}

TEST_CASE("parallel_for: the exception of the lowest thread comes out, and the thread count stays") {
  const std::size_t before = lo::cpu::available_threads();
  for (int round = 0; round < 5; ++round) {
    std::string message;
    try {
      lo::cpu::parallel_for(4, [](std::size_t thread) {
        if (thread % 2 == 1) throw std::runtime_error("thread " + std::to_string(thread));
      });
    } catch (const std::runtime_error& e) {
      message = e.what();
    }
    CHECK(message == "thread 1");
  }
  CHECK(lo::cpu::available_threads() == before);
}

#if defined(_OPENMP)
TEST_CASE("parallel_for: in a process forked after threads ran, they run one after the other, and nothing waits") {
  const auto lanes_of = [] {
    std::array<std::atomic<int>, 4> runs{};
    lo::cpu::parallel_for(4, [&](std::size_t thread) { ++runs[thread]; });
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
      lo::cpu::parallel_for(4, [](std::size_t thread) {
        if (thread % 2 == 1) throw std::runtime_error("thread " + std::to_string(thread));
      });
    } catch (const std::runtime_error& e) {
      message = e.what();
    }
    ::_exit(alone && lanes_of() && message == "thread 1" ? 0 : 1);
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
    for (const std::size_t threads : std::initializer_list<std::size_t>{1, 2, 3, 7}) {
      for (const std::size_t grain : std::initializer_list<std::size_t>{1, 8, 64}) {
        std::size_t end = 0;
        for (std::size_t thread = 0; thread < threads; ++thread) {
          const lo::cpu::range part = lo::cpu::part_of(size, thread, threads, grain);
          CHECK(part.begin == end);
          CHECK(part.end >= part.begin);
          CHECK((part.begin % grain == 0 || part.begin == size));
          CHECK(part.size() <= ((size + grain - 1) / grain + threads - 1) / threads * grain);
          end = part.end;
        }
        CHECK(end == size);
      }
    }
  }
}
