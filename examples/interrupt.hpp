#pragma once

#include <csignal>

/// Ctrl-C as a question that the program asks between two steps.
namespace examples {

namespace detail {
inline volatile std::sig_atomic_t interrupt_seen = 0;
}

/// SIGINT and SIGTERM set a flag, once: the second of the same kind ends the program as usual.
inline void watch_for_interrupt() {
  struct sigaction action {};
  action.sa_handler = [](int) { detail::interrupt_seen = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

[[nodiscard]] inline bool interrupted() { return detail::interrupt_seen != 0; }

}  // namespace examples
