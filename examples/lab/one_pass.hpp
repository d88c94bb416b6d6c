#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "report/run_program.hpp"
#include "setting_options.hpp"

namespace examples {

/// What can be chosen in the comparison of features learned in one pass.
struct one_pass_options : setting_options {
  std::string channels = "24,48";
  std::size_t learned_pictures = 5000;
};

/// Reads the command line and does the work; returns the exit status.
[[nodiscard]] inline int one_pass(int argc, const char* const* argv,
                                  const std::function<int(const one_pass_options&)>& work) {
  constexpr const char* task =
      "Compares features that rules learn in one pass, and a linear classifier of them, with gradient descent at the "
      "same cost.";
  return run_program("one_pass", task, [&](CLI::App& app) {
    one_pass_options chosen;
    chosen.epochs = 5;
    add_options(app, chosen, "with labels; 0: all", "of the linear classifier");
    app.add_option("--channels", chosen.channels,
                   "of the first convolution, 12, 24 or 48, with commas between them: a network for each");
    app.add_option("--learned-pictures", chosen.learned_pictures, "from which the rules learn features");
    app.parse(argc, argv);
    return work(chosen);
  });
}

}  // namespace examples
