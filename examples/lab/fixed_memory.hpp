#pragma once

#include <cstddef>
#include <functional>

#include "report/run_program.hpp"
#include "setting_options.hpp"

namespace examples {

/// What can be chosen in the comparison under fixed memory.
struct fixed_memory_options : setting_options {
  std::size_t batch = 256;
  std::size_t boundary = 2;
  double fraction = 0.25;
  double local_rate = 1e-4;
  double supervised_rate = 0.1;
};

/// Reads the command line and does the work; returns the exit status.
[[nodiscard]] inline int fixed_memory(int argc, const char* const* argv,
                                      const std::function<int(const fixed_memory_options&)>& work) {
  constexpr const char* task =
      "Compares smaller batches of gradient descent with local learning from the first step on, where memory is short.";
  return run_program("fixed_memory", task, [&](CLI::App& app) {
    fixed_memory_options chosen;
    chosen.epochs = 8;
    add_options(app, chosen, "to train with; 0: all", "of every run");
    app.add_option("--batch", chosen.batch, "of gradient descent with all its memory, and the largest of any run");
    app.add_option("--boundary", chosen.boundary, "stages that learn from a part of the batch, locally or not at all");
    app.add_option("--fraction", chosen.fraction,
                   "of the batch from which these stages learn by gradient (part_batch)");
    app.add_option("--local-rate", chosen.local_rate, "relative step of oja, at first");
    app.add_option("--supervised-rate", chosen.supervised_rate,
                   "of supervised rules, in fractions of the learning rate");
    app.parse(argc, argv);
    return work(chosen);
  });
}

}  // namespace examples
