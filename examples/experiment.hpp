#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "comparison.hpp"
#include "format.hpp"
#include "machine.hpp"
#include "settings.hpp"

#include <localis/core/error.hpp>
#include <localis/network/summary.hpp>
#include <localis/train/report.hpp>
#include <localis/version.hpp>

namespace examples {

/// All runs of one call, and what they were done with.
struct experiment {
  settings chosen;
  std::string data;
  std::string data_note;
  std::size_t train = 0;  ///< pictures
  std::size_t validation = 0;
  std::size_t test = 0;
  localis::summary network;
  std::vector<double> shares;  ///< of each stage in the network's products
  machine computer = this_machine();
  std::vector<run_result> runs;
  std::string ending = "running";  ///< finished, interrupted, diverged
  std::string message;             ///< why, where it did not finish

  /// In the order of the program's kinds.
  [[nodiscard]] std::vector<table_row> table() const {
    std::vector<table_row> rows = compare(runs, shares, chosen.epochs);
    std::stable_sort(rows.begin(), rows.end(), [this](const table_row& a, const table_row& b) {
      return chosen.of.find(a.name) < chosen.of.find(b.name);
    });
    return rows;
  }
  [[nodiscard]] cells results() const { return chosen.of.of_rules ? rule_cells(table()) : result_cells(table()); }
  [[nodiscard]] std::span<const std::string_view> notes() const {
    if (chosen.of.of_rules) return rule_table_notes;
    return table_notes;
  }
  [[nodiscard]] std::vector<std::string> verdicts() const {
    const auto rows = table();
    return examples::verdicts(rows, chosen.of.of_rules ? duels_of_rules(rows) : duels_of_boundaries(), test);
  }
  [[nodiscard]] const run_result* find(std::string_view name, std::uint64_t seed) const {
    for (const run_result& run : runs) {
      if (run.name == name && run.seed == seed && run.finished()) return &run;
    }
    return nullptr;
  }
};

[[nodiscard]] inline std::string version() {
  return localis::text(LOCALIS_VERSION_MAJOR, '.', LOCALIS_VERSION_MINOR, '.', LOCALIS_VERSION_PATCH);
}

[[nodiscard]] inline const char* name_of(localis::ending ending) {
  switch (ending) {
    case localis::ending::finished:
      return "finished";
    case localis::ending::stopped:
      return "stopped";
    case localis::ending::diverged:
      return "diverged";
    default:
      return "unfinished";
  }
}

/// An epoch's values by name, as both files have them. The epoch counts from 1, as on the screen.
[[nodiscard]] inline std::vector<std::pair<const char*, std::string>> fields_of(const localis::epoch_record& e) {
  const auto count = [](std::size_t value) { return std::to_string(value); };
  return {{"epoch", count(e.epoch + 1)},
          {"boundary", count(e.boundary)},
          {"steps", count(e.steps)},
          {"samples", count(e.samples)},
          {"loss", exact(e.loss)},
          {"accuracy", exact(e.accuracy)},
          {"validation_loss", exact(e.validation_loss)},
          {"validation_accuracy", exact(e.validation_accuracy)},
          {"learning_rate", exact(e.learning_rate)},
          {"gain", exact(e.gain)},
          {"update_norm", exact(e.update_norm)},
          {"prefix_share", exact(e.prefix_share)},
          {"clips", count(e.clips)},
          {"seconds", exact(e.seconds)},
          {"bytes", count(e.bytes)}};
}

/// epochs.csv: a row for each run, seed and epoch. A value that is no number is left empty.
[[nodiscard]] inline std::string epochs_csv(const experiment& all) {
  std::ostringstream out;
  out << "run,seed";
  for (const auto& field : fields_of({})) out << ',' << field.first;
  out << '\n';
  for (const run_result& run : all.runs) {
    for (const localis::epoch_record& e : run.report.epochs) {
      out << run.name << ',' << run.seed;
      for (const auto& field : fields_of(e)) out << ',' << field.second;
      out << '\n';
    }
  }
  return out.str();
}

}  // namespace examples
