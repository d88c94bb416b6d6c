#pragma once

#include <cstdio>
#include <iostream>

namespace examples {

/// Returns the exit status for the end of main(). If standard output did not accept everything that std::cout or printf
/// wrote, it is a failure, and a line on standard error says so.
/// @param status  status of the work; a failure stays a failure
[[nodiscard]] inline int exit_status(const char* name, int status = 0) {
  const bool all_told = std::cout.flush() && std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (all_told || status != 0) return status;
  std::cerr << name << ": standard output: expected room for what is told, found none" << std::endl;
  return 1;
}

}  // namespace examples
