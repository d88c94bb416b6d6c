#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "report/run_program.hpp"

namespace examples {

/// What can be chosen in the comparison with few labels.
struct few_labels_options {
  std::string data;  ///< folder
  std::string out;   ///< folder; empty: a fresh one
  std::string labels = "500,1000,5000";
  std::string seeds = "1,2,3,4,5";
  std::size_t pictures = 0;  ///< without labels; 0: all
  std::size_t epochs = 100;
  std::size_t steps = 3000;
  std::size_t threads = 0;  ///< 0: all
  double sanger_rate = 1e-3;
};

/// Reads the command line and does the work; returns the exit status.
[[nodiscard]] inline int few_labels(int argc, const char* const* argv,
                                    const std::function<int(const few_labels_options&)>& work) {
  constexpr const char* task =
      "Compares features that rules have learned without labels with gradient descent where labels are few.";
  return run_program("few_labels", task, [&](CLI::App& app) {
    few_labels_options chosen;
    app.add_option("--data", chosen.data, "folder with the official binary files of CIFAR-10")->required();
    app.add_option("--out", chosen.out,
                   "folder for report.html, report.json and table.md [out, or out-2, ...: a new one]");
    app.option_defaults()->always_capture_default();
    app.add_option("--labels", chosen.labels, "numbers of labelled pictures, with commas between them");
    app.add_option("--seeds", chosen.seeds, "each run is done once from each of them");
    app.add_option("--pictures", chosen.pictures, "without labels; 0: all");
    app.add_option("--epochs", chosen.epochs, "of the linear classifier");
    app.add_option("--steps", chosen.steps, "of gradient descent");
    app.add_option("--sanger-rate", chosen.sanger_rate, "relative step of the principal components");
    app.add_option("--threads", chosen.threads, "processor threads; 0: all");
    app.parse(argc, argv);
    return work(chosen);
  });
}

}  // namespace examples
