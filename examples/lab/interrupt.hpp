#pragma once

#include <csignal>

/// Turns an interrupt, such as Ctrl-C, into a flag that the program reads between two steps.
namespace examples {

namespace detail {
inline volatile std::sig_atomic_t interrupt_seen = 0;  ///< number of the signal
}

/// Makes the first SIGINT or SIGTERM set a flag; the second signal of the same kind ends the program as usual. On
/// ranks, SIGUSR1 and SIGUSR2 stand for the two: the launcher of Open MPI passes these on, but answers the others by
/// itself.
inline void watch_for_interrupt() {
  struct sigaction action {};
  action.sa_handler = [](int signal) {
    detail::interrupt_seen = signal == SIGUSR1 ? SIGINT : signal == SIGUSR2 ? SIGTERM : signal;
  };
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
#ifdef LOCALIS_EXAMPLES_MPI
  sigaction(SIGUSR1, &action, nullptr);
  sigaction(SIGUSR2, &action, nullptr);
#endif
}

[[nodiscard]] inline bool interrupted() { return detail::interrupt_seen != 0; }

/// The status that a shell reports for a program that the signal ended: 130 for SIGINT, 143 for SIGTERM.
[[nodiscard]] inline int interrupted_status() { return 128 + detail::interrupt_seen; }

}  // namespace examples
