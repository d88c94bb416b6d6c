#pragma once

#include <chrono>
#include <ctime>

namespace localis::detail {

/// Measures the time since it was made: by the wall clock, and of the processor, summed over all threads of the
/// process. Another program on the same machine lengthens the first alone.
class stopwatch {
 public:
  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(clock::now() - wall_).count(); }
  [[nodiscard]] double processor_seconds() const {
    return static_cast<double>(std::clock() - processor_) / static_cast<double>(CLOCKS_PER_SEC);
  }

 private:
  using clock = std::chrono::steady_clock;
  clock::time_point wall_ = clock::now();
  std::clock_t processor_ = std::clock();
};

}  // namespace localis::detail
