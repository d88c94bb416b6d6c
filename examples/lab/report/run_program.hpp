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

/// Runs a program and reports an error in one line, including a standard output that accepts no more. Returns the exit
/// status.
/// @param what  description of the program, for --help
/// @param work  reads the command line with the app that it receives, and performs the work
template <class Work>
[[nodiscard]] int run_program(const char* name, const char* what, const Work& work) {
  const auto fail = [name](int code, std::string message) {
    std::replace(message.begin(), message.end(), '\n', ' ');
    std::cerr << name << ": " << message << std::endl;
    return code;
  };
  CLI::App app(what);
  app.set_version_flag("--version", "localis " + version(), "prints the library's version");
  try {
    return exit_status(name, work(app));
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return exit_status(name, app.exit(e));
    return fail(2, std::string(e.what()) + "; --help lists the options");
  } catch (const localis::config_error& e) {
    return fail(2, e.what());
  } catch (const localis::data_error& e) {
    return fail(2, e.what());
  } catch (const localis::shape_error& e) {
    return fail(2, e.what());
  } catch (const std::exception& e) {
    return fail(1, e.what());
  }
}

}  // namespace examples
