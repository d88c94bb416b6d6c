#pragma once

#include <fstream>
#include <string>

#include <sys/utsname.h>

namespace examples {

/// The commit from which the program was built, empty outside a repository: in programs that link localis_commit.
[[nodiscard]] const char* built_commit();

/// The machine that produced the numbers.
struct machine {
  std::string processor;
  std::string system;
  std::string compiler;
  std::string build;
  std::string commit;
};

[[nodiscard]] inline machine this_machine() {
  machine found;
  utsname names{};
  if (uname(&names) == 0) found.system = std::string(names.sysname) + ' ' + names.release + ' ' + names.machine;
  std::ifstream processors("/proc/cpuinfo");
  for (std::string line; found.processor.empty() && std::getline(processors, line);) {
    const auto colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos) found.processor = line.substr(colon + 2);
  }
  if (found.processor.empty()) found.processor = names.machine;  // arm64 states no name
#if defined(__clang__)
  found.compiler = __VERSION__;
#else
  found.compiler = "GCC " __VERSION__;
#endif
#if defined(__OPTIMIZE__)
  found.build = "optimized";
#else
  found.build = "not optimized";
#endif
#if defined(_OPENMP)
  found.build += ", OpenMP";
#else
  found.build += ", no OpenMP";
#endif
#if defined(NDEBUG)
  found.build += ", NDEBUG";
#endif
#if defined(LOCALIS_EXAMPLES_FLAGS)
  found.build += ", " LOCALIS_EXAMPLES_FLAGS;
#endif
#if defined(LOCALIS_EXAMPLES_COMMIT)
  found.commit = built_commit();
#endif
  return found;
}

}  // namespace examples
