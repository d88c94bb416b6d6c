#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "report/run_program.hpp"
#include "setting_options.hpp"

namespace examples {

/// What can be chosen in the comparison with few labels.
struct few_labels_options : setting_options {
  std::string labels = "500,1000,5000";
  std::size_t variants = 20'000;
  std::size_t steps = 3000;
  std::size_t wide_steps = 1000;
  double sanger_rate = 1e-3;
};

/// Reads the command line and does the work; returns the exit status.
[[nodiscard]] inline int few_labels(int argc, const char* const* argv,
                                    const std::function<int(const few_labels_options&)>& work) {
  constexpr const char* task =
      "Compares features that rules have learned without labels with gradient descent where labels are few.";
  return run_program("few_labels", task, [&](CLI::App& app) {
    few_labels_options chosen;
    chosen.epochs = 20;
    add_options(app, chosen, "without labels; 0: all", "of the linear classifier");
    app.get_option("--data")->description(
        "folder with the official binary files of CIFAR-10, or the four of Fashion-MNIST");
    app.add_option("--labels", chosen.labels, "numbers of labelled pictures, with commas between them");
    app.add_option("--variants", chosen.variants,
                   "of the labelled pictures, from whose features the linear classifier learns");
    app.add_option("--steps", chosen.steps, "of gradient descent");
    app.add_option("--wide-steps", chosen.wide_steps, "of gradient descent in the network of the features");
    app.add_option("--sanger-rate", chosen.sanger_rate, "relative step of the principal components");
    app.parse(argc, argv);
    return work(chosen);
  });
}

}  // namespace examples
