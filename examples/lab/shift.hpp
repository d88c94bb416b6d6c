#pragma once

#include <functional>

#include "report/run_program.hpp"
#include "setting_options.hpp"

namespace examples {

/// Reads the command line and does the work; returns the exit status.
[[nodiscard]] inline int shift(int argc, const char* const* argv,
                               const std::function<int(const setting_options&)>& work) {
  constexpr const char* task =
      "Compares first stages that go on learning without labels, when the pictures change, with frozen ones.";
  return run_program("shift", task, [&](CLI::App& app) {
    setting_options chosen;
    chosen.epochs = 5;
    add_options(app, chosen, "to train with, before they change; 0: all", "of gradient descent, before they change");
    app.parse(argc, argv);
    return work(chosen);
  });
}

}  // namespace examples
