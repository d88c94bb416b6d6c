#include <chrono>
#include <cmath>
#include <thread>

#include <doctest/doctest.h>

#include <localis/train/stopwatch.hpp>

namespace lo = localis;

TEST_CASE("stopwatch: waiting takes time of the wall clock, and work takes time of the processor, in every thread") {
  const lo::detail::stopwatch waiting;
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  CHECK(waiting.seconds() >= 0.06);
  CHECK(waiting.processor_seconds() < waiting.seconds());

  const lo::detail::stopwatch working;
  const auto work = [&working](double seconds) {
    volatile double sum = 0;
    while (working.processor_seconds() < seconds) sum = sum + std::sqrt(2.0);
  };
  std::thread other([&] { work(0.05); });
  other.join();
  CHECK(working.processor_seconds() >= 0.05);
}
