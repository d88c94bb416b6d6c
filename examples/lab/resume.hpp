#pragma once

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "comparison.hpp"
#include "experiment.hpp"
#include "report/format.hpp"
#include "report/read_report.hpp"
#include "report/report_json.hpp"
#include <nlohmann/json.hpp>

#include <localis/core/error.hpp>
#include <localis/scheduler/scheduler.hpp>

/// Resumes a comparison from an earlier report.json.
namespace examples {

/// The runs of an earlier comparison that are kept when it is resumed.
struct earlier_runs {
  std::vector<run_result> runs;
  std::size_t epochs = 0;    ///< that were asked for
  std::string machine_note;  ///< the machine of the runs, if it differs
};

namespace detail {

/// The differences between two comparisons.
struct differences {
  std::string of_comparison;            ///< the first difference besides the choice of runs; mostly empty
  std::vector<std::string> of_machine;  ///< all differences that may change the last digits of a result
};

[[nodiscard]] inline differences compared(const nlohmann::json& earlier, const nlohmann::json& current) {
  // The release of the system, a name or a place changes no byte of a result.
  constexpr std::string_view may_differ[] = {"only",         "seeds",       "data",       "epochs",
                                             "every",        "keep",        "local-rate", "supervised-rate",
                                             "short-epochs", "class_names", "system",     "note"};
  differences found;
  const auto compare = [&](const std::string& what, const nlohmann::json& old_values, const nlohmann::json& values,
                           const std::string& name, bool of_machine) {
    const nlohmann::json old_value = old_values.value(name, nlohmann::json());
    const nlohmann::json value = values.value(name, nlohmann::json());
    if (old_value == value) return;
    const auto told = [](const nlohmann::json& one) { return one.is_null() ? "nothing" : one.dump(); };
    const std::string line = localis::text(what, ": then ", told(old_value), ", now ", told(value));
    if (of_machine) {
      found.of_machine.push_back(line);
    } else if (found.of_comparison.empty()) {
      found.of_comparison = line;
    }
  };
  for (const char* name : {"localis", "commit"}) compare(name, earlier, current, name, true);
  for (const std::string part : {"settings", "data", "machine"}) {
    for (const auto& [name, value] : current.at(part).items()) {
      if (std::find(std::begin(may_differ), std::end(may_differ), name) != std::end(may_differ)) continue;
      const bool of_machine = part == "machine";
      if (of_machine && (name == "threads" || name == "arithmetic")) continue;  // as the settings have them
      compare(part + ' ' + name, earlier.at(part), current.at(part), name,
              of_machine || name == "threads" || name == "convolution" || name == "precision");
    }
  }
  return found;
}

/// What a reader must know of runs that go on for more epochs than they were begun with; empty if that is no matter.
[[nodiscard]] inline std::string growth_note(std::size_t earlier_epochs, const settings& s) {
  const auto& rate = s.learning_rate.base;
  std::vector<std::string> parts;
  if (rate.last != rate.rate) parts.emplace_back("the learning rate (unless --final-rate is that of --learning-rate)");
  if (s.linear.end == localis::scheduler::last_epoch) parts.emplace_back("the static boundary (without --end)");
  if (parts.empty()) return {};
  return localis::text("Runs of ", earlier_epochs, " epochs went on to ", s.epochs, ": ", joined(parts, " and "),
                       parts.size() == 1 ? " depends" : " depend", " on the number of epochs, and runs of ", s.epochs,
                       " epochs without a break have other results.");
}

}  // namespace detail

/// The runs of a report that the first rank has read.
[[nodiscard]] inline earlier_runs runs_in(const std::string& report) {
  if (report.empty()) return {};
  stored_report stored = parse_report(report);
  return {.runs = std::move(stored.runs), .epochs = stored.epochs, .machine_note = {}};
}

/// The runs of the report in `folder`, also one that was interrupted; none where there is no report.
/// Errors: data_error for a file that is none of our reports; config_error for one of another comparison or of more
/// epochs, and for one of another machine where --other-machine does not allow that.
[[nodiscard]] inline earlier_runs read_runs(const std::filesystem::path& folder, const experiment& current) {
  const std::filesystem::path file = folder / "report.json";
  if (!std::filesystem::exists(file)) return {};
  earlier_runs earlier;
  detail::differences differ;
  try {
    stored_report report = read_report(file);
    differ = detail::compared(report.json, nlohmann::json::parse(report_json(current)));
    earlier.machine_note = report.json.at("machine").value("note", "");
    earlier.runs = std::move(report.runs);
    earlier.epochs = report.epochs;
  } catch (const localis::data_error& failure) {
    throw localis::data_error(localis::text("--resume: ", failure.what()));
  } catch (const nlohmann::json::exception& failure) {
    throw localis::data_error(
        localis::text("--resume: ", file.string(), ": expected an earlier report, found: ", failure.what()));
  }
  const auto refuse = [&file](const char* expected, const std::string& found) {
    throw localis::config_error(
        localis::text("--resume: ", file.string(), ": expected the report of ", expected, ", found one with ", found));
  };
  if (!differ.of_comparison.empty()) refuse("a comparison like this one", differ.of_comparison);
  const std::size_t epochs = current.chosen.epochs;
  if (epochs < earlier.epochs) {
    refuse(localis::text("at most ", epochs, " epochs, as --epochs has it").c_str(),
           localis::text(earlier.epochs, "; another --out begins anew"));
  }
  const auto add_note = [&earlier](const std::string& note) {
    if (note.empty()) return;
    earlier.machine_note += (earlier.machine_note.empty() ? "" : " ") + note;
  };
  if (epochs > earlier.epochs) add_note(detail::growth_note(earlier.epochs, current.chosen));
  if (differ.of_machine.empty()) return earlier;
  const std::string list = joined(differ.of_machine, "; ");
  if (!current.chosen.other_machine) {
    refuse("this machine and program",
           list + "; --other-machine goes on with it, results may differ in their last digits");
  }
  add_note(localis::text("Not all runs were done in one place: ", list, '.'));
  return earlier;
}

}  // namespace examples
