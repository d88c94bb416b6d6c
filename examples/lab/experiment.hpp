#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../ranks.hpp"
#include "comparison.hpp"
#include "frontier.hpp"
#include "report/format.hpp"
#include "report/machine.hpp"
#include "settings.hpp"

#include <localis/core/error.hpp>
#include <localis/io/csv_log.hpp>
#include <localis/model/summary.hpp>
#include <localis/train/report.hpp>

namespace examples {

/// All runs of one call, with their settings, data and machine.
struct experiment {
  settings chosen;
  std::string data;
  std::string data_note;
  std::vector<std::string> class_names;  ///< empty where they are not known
  std::size_t train = 0;                 ///< number of training pictures
  std::size_t validation = 0;
  std::size_t test = 0;
  localis::summary network;
  std::vector<double> work_fractions;  ///< of each stage in the network's products
  machine computer = this_machine();
  std::size_t ranks = examples::ranks().size();
  std::string machine_note;  ///< differences to the machine of earlier runs; empty if there are none
  std::vector<run_result> runs;
  std::string ending = "running";  ///< finished, interrupted, diverged
  std::string message;             ///< the reason if it did not finish

  /// The rows of the table, in the order of the program's kinds of runs.
  [[nodiscard]] std::vector<table_row> table() const {
    std::vector<table_row> rows = compare(runs, work_fractions, chosen.epochs);
    std::sort(rows.begin(), rows.end(), [this](const table_row& a, const table_row& b) {
      return chosen.comparison.find(a.name) < chosen.comparison.find(b.name);
    });
    return rows;
  }
  [[nodiscard]] cells results() const {
    return chosen.comparison.of_rules ? rule_cells(table()) : result_cells(table());
  }
  /// The runs on SGD's own curve, if there are runs of several budgets.
  [[nodiscard]] frontier on_frontier() const {
    const bool on_host = network.backend.find("cuda") == std::string::npos;
    return frontier_of(runs, table(), chosen.comparison.kinds, on_host);
  }
  [[nodiscard]] std::span<const std::string_view> notes() const {
    if (chosen.comparison.of_rules) return rule_table_notes;
    return table_notes;
  }
  [[nodiscard]] std::vector<std::string> verdicts() const {
    const auto rows = table();
    return examples::verdicts(rows, chosen.comparison.of_rules ? duels_of_rules(rows) : duels_of_boundaries(), test);
  }
  /// The rules of the network's layers, each once; empty if each run has a rule of its own.
  [[nodiscard]] std::vector<std::string> rules() const {
    std::vector<std::string> names;
    for (const localis::summary::row& layer : network.rows) {
      const bool fresh = !layer.rule.empty() && std::find(names.begin(), names.end(), layer.rule) == names.end();
      if (fresh && !chosen.comparison.of_rules) names.push_back(layer.rule);
    }
    return names;
  }
  [[nodiscard]] const run_result* find(std::string_view name, std::uint64_t seed) const {
    for (const run_result& run : runs) {
      if (run.name == name && run.seed == seed && run.finished()) return &run;
    }
    return nullptr;
  }
};

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

/// The record with its epoch counted from 1, as in all files and on the screen.
[[nodiscard]] inline localis::epoch_record counted_from_one(localis::epoch_record e) {
  ++e.epoch;
  return e;
}

/// The labels of every epoch of a run in its logs.
[[nodiscard]] inline localis::io::log_labels labels_of(const std::string& run, std::uint64_t seed) {
  return {{"run", run}, {"seed", std::to_string(seed)}};
}

/// The content of epochs.csv, with a row for each run, seed and epoch.
[[nodiscard]] inline std::string epochs_csv(const experiment& all) {
  std::string lines;
  for (const run_result& run : all.runs) {
    const auto labels = labels_of(run.name, run.seed);
    for (const localis::epoch_record& e : run.report.epochs) {
      if (lines.empty()) lines = localis::io::csv_header(e, labels) + localis::io::csv_end;
      lines += localis::io::csv_row(counted_from_one(e), labels) + localis::io::csv_end;
    }
  }
  return lines;
}

}  // namespace examples
