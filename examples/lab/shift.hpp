#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "report/run_program.hpp"

namespace examples {

/// What can be chosen in the comparison on pictures that change.
struct shift_options {
  std::string data;  ///< folder
  std::string out;   ///< folder; empty: a fresh one
  std::string seeds = "1,2,3,4,5";
  std::size_t pictures = 0;  ///< to train with; 0: all
  std::size_t epochs = 5;
  std::size_t threads = 0;  ///< 0: all
};

/// Reads the command line and does the work; returns the exit status.
[[nodiscard]] inline int shift(int argc, const char* const* argv,
                               const std::function<int(const shift_options&)>& work) {
  constexpr const char* task =
      "Compares first stages that go on learning without labels, when the pictures change, with frozen ones.";
  return run_program("shift", task, [&](CLI::App& app) {
    shift_options chosen;
    app.add_option("--data", chosen.data, "folder with the official binary files of CIFAR-10")->required();
    app.add_option("--out", chosen.out,
                   "folder for report.html, report.json and table.md [out, or out-2, ...: a new one]");
    app.option_defaults()->always_capture_default();
    app.add_option("--seeds", chosen.seeds, "each run is done once from each of them, with commas between them");
    app.add_option("--pictures", chosen.pictures, "to train with, before they change; 0: all");
    app.add_option("--epochs", chosen.epochs, "of gradient descent, before they change");
    app.add_option("--threads", chosen.threads, "processor threads; 0: all");
    app.parse(argc, argv);
    return work(chosen);
  });
}

}  // namespace examples
