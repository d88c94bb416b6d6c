#pragma once

#include <csignal>

/// Ctrl-C as a question that the program asks between two steps.
namespace examples {

namespace detail {
inline volatile std::sig_atomic_t interrupt_seen = 0;  ///< the signal
}

/// SIGINT and SIGTERM set a flag, once: the second of the same kind ends the program as usual.
inline void watch_for_interrupt() {
  struct sigaction action {};
  action.sa_handler = [](int signal) { detail::interrupt_seen = signal; };
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

[[nodiscard]] inline bool interrupted() { return detail::interrupt_seen != 0; }

/// 130 for SIGINT, 143 for SIGTERM: what a shell reports of a program that the signal ended.
[[nodiscard]] inline int interrupted_status() { return 128 + detail::interrupt_seen; }

}  // namespace examples
