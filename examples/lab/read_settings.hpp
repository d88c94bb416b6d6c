#pragma once

#include "settings.hpp"
#include <nlohmann/json_fwd.hpp>

namespace CLI {
class App;
}

/// The options of the comparing programs: one table, in read_settings.cpp, for the command line and for files.
namespace examples {

/// Reads the command line of `of`, and the configuration file that it names; `defaults` holds where neither says
/// anything. Errors: CLI::ParseError, also for --help and --version (exit code 0); config_error.
[[nodiscard]] settings read_settings(CLI::App& app, int argc, const char* const* argv, const program& of,
                                     settings defaults = {});

/// By the names of their options, all that say what is run, and none that say where: as a configuration file, they give
/// the same runs again. What is left to the run (short-epochs, end, last) is left out.
[[nodiscard]] nlohmann::ordered_json settings_json(const settings& s);

}  // namespace examples
