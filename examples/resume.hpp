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
#include "read_report.hpp"
#include "report_json.hpp"
#include <nlohmann/json.hpp>

#include <localis/core/error.hpp>

/// Going on with a comparison: what an earlier report.json holds.
namespace examples {

namespace detail {

/// Of two comparisons, the first thing besides the choice of runs that is not the same; empty where all is.
[[nodiscard]] inline std::string difference(const nlohmann::json& before, const nlohmann::json& now) {
  for (const char* part : {"settings", "data", "machine"}) {
    const nlohmann::json& old_values = before.at(part);
    for (const auto& [name, value] : now.at(part).items()) {
      constexpr std::string_view may_differ[] = {"only",       "seeds",           "data",        "every", "keep",
                                                 "local-rate", "supervised-rate", "short-epochs"};
      if (std::find(std::begin(may_differ), std::end(may_differ), name) != std::end(may_differ) ||
          (old_values.contains(name) && old_values.at(name) == value))
        continue;
      return localis::text(part, ' ', name, ": then ",
                           old_values.contains(name) ? old_values.at(name).dump() : "nothing", ", now ", value.dump());
    }
  }
  return {};
}

}  // namespace detail

/// The runs of the report in `folder`, also one that was interrupted; none where there is no report.
/// Errors: data_error for a file that is none of our reports, config_error for one of another comparison.
[[nodiscard]] inline std::vector<run_result> read_runs(const std::filesystem::path& folder, const experiment& now) {
  const std::filesystem::path file = folder / "report.json";
  if (!std::filesystem::exists(file)) return {};
  std::vector<run_result> runs;
  std::string difference;
  try {
    stored_report report = read_report(file);
    difference = detail::difference(report.json, nlohmann::json::parse(report_json(now)));
    runs = std::move(report.runs);
  } catch (const localis::data_error& failure) {
    throw localis::data_error(localis::text("--resume: ", failure.what()));
  } catch (const nlohmann::json::exception& failure) {
    throw localis::data_error(
        localis::text("--resume: ", file.string(), ": expected an earlier report, found: ", failure.what()));
  }
  if (!difference.empty()) {
    throw localis::config_error(localis::text("--resume: ", file.string(),
                                              ": expected the report of a comparison like this one, found one with ",
                                              difference));
  }
  return runs;
}

}  // namespace examples
