#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "../lab/report/run_program.hpp"

/// What the programs that repeat published experiments have in common.
namespace examples::reproduce {

struct options {
  std::string data;          ///< folder
  std::size_t pictures = 0;  ///< to train with; 0: all
  std::size_t epochs = 50;   ///< of what learns by gradient
  std::size_t threads = 0;   ///< 0: all
  std::uint64_t seed = 1;
};

/// Reads the command line and does the work; returns the exit status.
[[nodiscard]] inline int run(const char* name, const char* task, int argc, const char* const* argv,
                             const std::function<int(const options&)>& work) {
  return run_program(name, task, [&](CLI::App& app) {
    options chosen;
    app.add_option("--data", chosen.data, "folder with the official binary files of CIFAR-10")->required();
    app.option_defaults()->always_capture_default();
    app.add_option("--pictures", chosen.pictures, "to train with; 0: all");
    app.add_option("--epochs", chosen.epochs, "of what learns by gradient");
    app.add_option("--threads", chosen.threads, "processor threads; 0: all");
    app.add_option("--seed", chosen.seed, "of the first weights and the order of the pictures");
    app.parse(argc, argv);
    return work(chosen);
  });
}

}  // namespace examples::reproduce
