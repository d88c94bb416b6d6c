#pragma once

#include <cstdio>
#include <iostream>

namespace examples {

/// What a main() returns at its end: where standard output took not all of what was told, by std::cout or printf, no
/// success, and a line on standard error says so.
/// @param status  of the work; one of failure stays
[[nodiscard]] inline int exit_status(const char* name, int status = 0) {
  const bool all_told = std::cout.flush() && std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (all_told || status != 0) return status;
  std::cerr << name << ": standard output: expected room for what is told, found none" << std::endl;
  return 1;
}

}  // namespace examples
