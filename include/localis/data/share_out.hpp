#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <thread>
#include <vector>

namespace localis::data::detail {

/// Runs body(0) ... body(count - 1) on at most `threads` threads, the caller's own among them; each takes the next
/// number as soon as it is free. If bodies throw, the exception of the lowest number is rethrown, for any number of
/// threads: the numbers below a failed one were started before it, and the function waits for them.
template <class Body>
void share_out(std::size_t count, std::size_t threads, const Body& body) {
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> stop = false;
  struct outcome {
    std::size_t index = 0;
    std::exception_ptr failure;
  };
  const auto work = [&](outcome& own) {
    while (!stop) {
      own.index = next++;
      if (own.index >= count) return;
      try {
        body(own.index);
      } catch (...) {
        own.failure = std::current_exception();
        stop = true;
      }
    }
  };
  std::vector<outcome> outcomes(std::clamp<std::size_t>(threads, 1, std::max<std::size_t>(count, 1)));
  std::vector<std::thread> helpers;
  helpers.reserve(outcomes.size() - 1);
  for (std::size_t thread = 1; thread < outcomes.size(); ++thread) {
    try {
      helpers.emplace_back([&work, &own = outcomes[thread]] { work(own); });
    } catch (const std::exception&) {
      break;  // no thread is available: the existing ones do the work
    }
  }
  work(outcomes[0]);
  for (std::thread& helper : helpers) helper.join();
  const outcome* first = nullptr;
  for (const outcome& one : outcomes)
    if (one.failure && (first == nullptr || one.index < first->index)) first = &one;
  if (first != nullptr) std::rethrow_exception(first->failure);
}

}  // namespace localis::data::detail
