#pragma once

#include <cstddef>
#include <string>

#include "report/run_program.hpp"

namespace examples {

/// What can be chosen in every program that asks where local learning may win.
struct setting_options {
  std::string data;  ///< folder
  std::string out;   ///< folder; empty: a fresh one
  std::string seeds = "1,2,3,4,5";
  std::size_t pictures = 0;  ///< 0: all
  std::size_t epochs = 0;
  std::size_t threads = 0;  ///< 0: all
  bool resume = false;      ///< goes on in `out`
};

/// Adds these options to the command line. @param pictures, epochs  what they mean in the program
inline void add_options(CLI::App& app, setting_options& chosen, const char* pictures, const char* epochs) {
  app.add_option("--data", chosen.data, "folder with the official binary files of CIFAR-10")->required();
  app.add_option("--out", chosen.out,
                 "folder for report.html, report.json and table.md [out, or out-2, ...: a new one]");
  app.add_flag("--resume", chosen.resume, "goes on with the runs in --out; --seeds may name more of them");
  app.option_defaults()->always_capture_default();
  app.add_option("--seeds", chosen.seeds, "each run is done once from each of them, with commas between them");
  app.add_option("--pictures", chosen.pictures, pictures);
  app.add_option("--epochs", chosen.epochs, epochs);
  app.add_option("--threads", chosen.threads, "processor threads; 0: all");
}

}  // namespace examples
