#pragma once

#include <cstddef>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "comparison.hpp"
#include "experiment.hpp"
#include "report_json.hpp"
#include <nlohmann/json.hpp>

#include <localis/core/error.hpp>
#include <localis/train/report.hpp>

/// Going on with a comparison: what an earlier report.json holds.
namespace examples {

namespace detail {

[[nodiscard]] inline double number(const nlohmann::json& of, const char* name) {
  const auto& value = of.at(name);
  return value.is_null() ? no_number : value.get<double>();
}

[[nodiscard]] inline localis::epoch_record read_epoch(const nlohmann::json& j) {
  localis::epoch_record e;
  e.epoch = j.at("epoch").get<std::size_t>() - 1;
  e.boundary = j.at("boundary");
  e.steps = j.at("steps");
  e.samples = j.at("samples");
  e.loss = number(j, "loss");
  e.accuracy = number(j, "accuracy");
  e.validation_loss = number(j, "validation_loss");
  e.validation_accuracy = number(j, "validation_accuracy");
  e.learning_rate = number(j, "learning_rate");
  e.gain = number(j, "gain");
  e.update_norm = number(j, "update_norm");
  e.prefix_share = number(j, "prefix_share");
  e.clips = j.at("clips");
  e.seconds = number(j, "seconds");
  e.bytes = j.at("bytes");
  return e;
}

[[nodiscard]] inline run_result read_run(const nlohmann::json& j) {
  run_result run;
  run.name = j.at("run");
  run.seed = j.at("seed");
  run.note = j.at("note");
  run.epochs = j.at("planned_epochs");
  run.local_rate = number(j, "local_rate");
  run.local = run.local_rate > 0;
  for (const auto ending : {localis::ending::finished, localis::ending::stopped, localis::ending::diverged}) {
    if (j.at("ending") == name_of(ending)) run.report.end = ending;
  }
  run.report.message = j.at("message");
  run.test_accuracy = number(j, "test_accuracy");
  run.report.seconds = number(j, "seconds");
  run.report.prefix_share = number(j, "prefix_share");
  const nlohmann::json& bytes = j.at("bytes");
  run.report.memory = {bytes.at("parameters"),  bytes.at("rule_state"), bytes.at("optimizer_state"),
                       bytes.at("activations"), bytes.at("gradients"),  bytes.at("scratch"),
                       bytes.at("arena"),       bytes.at("peak")};
  for (const nlohmann::json& e : j.at("epochs")) run.report.epochs.push_back(read_epoch(e));
  return run;
}

/// Of two comparisons, the first thing besides the choice of runs that is not the same; empty where all is.
[[nodiscard]] inline std::string difference(const nlohmann::json& before, const nlohmann::json& now) {
  for (const char* part : {"settings", "data", "machine"}) {
    const nlohmann::json& old_values = before.at(part);
    for (const auto& [name, value] : now.at(part).items()) {
      const bool of_one_run = name.rfind("local-rate", 0) == 0 || name == "supervised-rate" || name == "short-epochs";
      const bool may_differ = of_one_run || name == "runs" || name == "seeds";
      if (may_differ || (old_values.contains(name) && old_values.at(name) == value)) continue;
      return localis::text(part, ' ', name, ": then ",
                           old_values.contains(name) ? old_values.at(name).dump() : "nothing", ", now ", value.dump());
    }
  }
  return {};
}

}  // namespace detail

/// The runs of the report in `folder` that came to an end, finished or diverged; none where there is no report.
/// Errors: data_error for a file that is none of our reports, config_error for one of another comparison.
[[nodiscard]] inline std::vector<run_result> read_runs(const std::filesystem::path& folder, const experiment& now) {
  const std::filesystem::path file = folder / "report.json";
  if (!std::filesystem::exists(file)) return {};
  std::vector<run_result> runs;
  std::string difference;
  try {
    std::ifstream in(file, std::ios::binary);
    const nlohmann::json report = nlohmann::json::parse(in);
    difference = detail::difference(report, nlohmann::json::parse(report_json(now)));
    for (const nlohmann::json& j : report.at("runs")) {
      run_result run = detail::read_run(j);
      if (run.finished() || run.diverged()) runs.push_back(std::move(run));
    }
  } catch (const std::exception& failure) {
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
