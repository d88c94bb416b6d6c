#pragma once

#include <algorithm>
#include <exception>
#include <iostream>
#include <string>

#include "exit_status.hpp"
#include "format.hpp"
#include <CLI/CLI.hpp>

#include <localis/core/error.hpp>

namespace examples {

/// The text of --help about the exit status; run_program() returns the first three.
inline constexpr const char* exit_statuses =
    "  0    done\n"
    "  1    something failed while running: no room on the disk, no memory, a device\n"
    "  2    bad option, configuration or input\n";

/// How the work of a program ended.
struct outcome {
  int status = 0;
  std::string message;  ///< of the error, in one line; empty if there was none
};

/// Performs work(app), and returns its status or its error.
template <class Work>
[[nodiscard]] outcome outcome_of(CLI::App& app, const Work& work) {
  const auto failure = [](int status, std::string message) {
    std::replace(message.begin(), message.end(), '\n', ' ');
    return outcome{status, message};
  };
  try {
    return {work(app), {}};
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return {app.exit(e), {}};
    return failure(2, std::string(e.what()) + "; --help lists the options");
  } catch (const localis::config_error& e) {
    return failure(2, e.what());
  } catch (const localis::data_error& e) {
    return failure(2, e.what());
  } catch (const localis::shape_error& e) {
    return failure(2, e.what());
  } catch (const std::exception& e) {
    return failure(1, e.what());
  }
}

/// Tells the error, if there was one, and returns the status.
inline int tell(const char* name, const outcome& end) {
  if (!end.message.empty()) std::cerr << name << ": " << end.message << std::endl;
  return end.status;
}

/// Runs a program and reports an error in one line, including a standard output that accepts no more. Returns the exit
/// status.
/// @param what  description of the program, for --help
/// @param work  reads the command line with the app that it receives, and performs the work
template <class Work>
[[nodiscard]] int run_program(const char* name, const char* what, const Work& work) {
  CLI::App app(what);
  app.set_version_flag("--version", "localis " + version(), "prints the library's version");
  return exit_status(name, tell(name, outcome_of(app, work)));
}

}  // namespace examples
