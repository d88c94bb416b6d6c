#pragma once

#include <chrono>
#include <cstddef>
#include <thread>

namespace localis::detail {

/// Waits for a sum that `ranks` have begun. It tests, yields and at last sleeps, because ranks may share a core.
template <class Ranks>
[[gnu::cold]] void wait_for_sum(const Ranks& ranks, std::size_t number) {
  constexpr std::size_t eager_tests = 1000;
  for (std::size_t tests = 1; !ranks.done(number); ++tests) {
    if (tests < eager_tests) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  }
}

}  // namespace localis::detail
