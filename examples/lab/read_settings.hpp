#pragma once

#include "settings.hpp"
#include <nlohmann/json_fwd.hpp>

namespace CLI {
class App;
}

/// The settings of a program that compares runs: from the command line, from a configuration file, and back into one.
namespace examples {

/// Reads the command line of a program, and the configuration file that it names; `defaults` has the program and what
/// neither says. Errors: CLI::ParseError, also for --help and --version (exit code 0); config_error.
[[nodiscard]] settings read_settings(CLI::App& app, int argc, const char* const* argv, const settings& defaults);

/// The settings that say what is run, and none that say where, by the names of their options: as a configuration file,
/// they give the same runs again. What is left to the run (short-epochs, end, last) is left out.
[[nodiscard]] nlohmann::ordered_json settings_json(const settings& s);

}  // namespace examples
