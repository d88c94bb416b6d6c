#pragma once

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "../comparison.hpp"
#include "../experiment.hpp"
#include "../read_settings.hpp"
#include <nlohmann/json.hpp>

#include <localis/core/finite.hpp>
#include <localis/model/confusion_matrix.hpp>
#include <localis/model/summary.hpp>
#include <localis/train/report.hpp>

namespace examples {

namespace detail {

/// Converts a number that is not finite to null. Under -ffast-math a compiler assumes that all numbers are finite, so
/// nlohmann's own test would be removed, and it would write nan.
template <class Value>
[[nodiscard]] nlohmann::ordered_json json_value(const Value& value) {
  if constexpr (std::is_same_v<Value, double>) {
    return localis::is_finite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json();
  } else if constexpr (std::is_same_v<Value, std::vector<double>>) {
    nlohmann::ordered_json values = nlohmann::ordered_json::array();
    for (const double one : value) values.push_back(json_value(one));
    return values;
  } else if constexpr (std::is_same_v<Value, std::vector<std::pair<std::string, double>>>) {
    nlohmann::ordered_json values = nlohmann::ordered_json::object();
    for (const auto& [name, one] : value) values[name] = json_value(one);
    return values;
  } else {
    return value;
  }
}

template <class Record>
[[nodiscard]] nlohmann::ordered_json record_json(const Record& record) {
  nlohmann::ordered_json j;
  visit_members(record, [&j](const char* name, const auto& value) {
    nlohmann::ordered_json content = json_value(value);
    if (!(content.is_structured() && content.empty())) j[name] = std::move(content);
  });
  return j;
}

/// A confusion matrix with a row for each true class; without rows if there are too many classes for a text file.
[[nodiscard]] inline nlohmann::ordered_json confusion_json(const localis::confusion_matrix& seen) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  if (seen.classes() > 100) return rows;
  for (std::size_t truth = 0; truth < seen.classes(); ++truth) {
    nlohmann::ordered_json row;
    for (std::size_t c = 0; c < seen.classes(); ++c) row.push_back(seen.count(truth, c));
    rows.push_back(std::move(row));
  }
  return rows;
}

[[nodiscard]] inline nlohmann::ordered_json run_json(const run_result& run) {
  nlohmann::ordered_json j;
  j["run"] = run.name;
  j["seed"] = run.seed;
  j["note"] = run.note;
  j["planned_epochs"] = run.epochs;
  j["local_rate"] = json_value(run.local_rate);
  j["ending"] = name_of(run.report.end);
  j["message"] = run.report.message;
  j["test_accuracy"] = json_value(run.test_accuracy);
  j["seconds"] = json_value(run.report.seconds);
  j["processor_seconds"] = json_value(run.report.processor_seconds());
  j["prefix_fraction"] = json_value(run.report.prefix_fraction);
  j["bytes"] = record_json(run.report.memory);
  j["epochs"] = nlohmann::ordered_json::array();
  for (const localis::epoch_record& e : run.report.epochs) {
    j["epochs"].push_back(record_json(counted_from_one(e)));
  }
  j["confusion"] = confusion_json(run.confusion);
  return j;
}

}  // namespace detail

/// The content of report.json: times in seconds, sizes in bytes, accuracies as fractions in [0, 1], and null if there
/// is no number. For each run, it contains the epochs and the confusion matrix of the test pictures. read_report()
/// reads it.
[[nodiscard]] inline std::string report_json(const experiment& all) {
  using json = nlohmann::ordered_json;
  json j;
  j["localis"] = version();
  if (!all.computer.commit.empty()) j["commit"] = all.computer.commit;
  j["ending"] = all.ending;
  j["message"] = all.message;
  j["settings"] = settings_json(all.chosen);
  j["data"] = {{"name", all.data},
               {"note", all.data_note},
               {"train", all.train},
               {"validation", all.validation},
               {"test", all.test}};
  if (!all.class_names.empty()) j["data"]["class_names"] = all.class_names;
  j["machine"] = {{"processor", all.computer.processor},
                  {"system", all.computer.system},
                  {"compiler", all.computer.compiler},
                  {"build", all.computer.build},
                  {"backend", all.network.backend},
                  {"instructions", all.network.instructions},
                  {"arithmetic", all.network.arithmetic},
                  {"threads", all.network.threads},
                  {"ranks", all.ranks}};
  if (!all.machine_note.empty()) j["machine"]["note"] = all.machine_note;
  json layers = json::array();
  for (const localis::summary::row& row : all.network.rows) {
    layers.push_back({{"layer", row.name},
                      {"rule", row.rule},
                      {"stage", row.stage},
                      {"parameters", row.parameters},
                      {"multiply_adds", row.multiply_adds}});
  }
  j["network"] = {{"name", all.chosen.comparison.network},
                  {"rules", all.rules()},
                  {"stages", all.network.stages},
                  {"highest_boundary", all.network.highest_boundary},
                  {"work_fractions", detail::json_value(all.work_fractions)},
                  {"layers", layers}};
  j["table"] = json::array();
  const std::vector<table_row> rows = all.table();
  const table_row* sgd = detail::find_row(rows, "sgd");
  for (const table_row& row : rows) {
    const paired difference = sgd == nullptr ? paired{} : paired_difference(row, *sgd);
    j["table"].push_back({{"run", row.name},
                          {"note", row.note},
                          {"seeds", row.seeds},
                          {"diverged", row.diverged},
                          {"test_accuracy", detail::json_value(row.test)},
                          {"test_spread", detail::json_value(row.spread)},
                          {"difference_to_sgd", detail::json_value(difference.mean)},
                          {"difference_error", detail::json_value(difference.error)},
                          {"validation_accuracy", detail::json_value(row.validation)},
                          {"seconds", detail::json_value(row.seconds)},
                          {"speed_up", detail::json_value(row.speed_up)},
                          {"speed_up_of_products", detail::json_value(row.model)},
                          {"prefix_fraction", detail::json_value(row.prefix_fraction)},
                          {"clips", detail::json_value(row.clips)},
                          {"bytes", detail::record_json(row.memory)},
                          {"bytes_at_end", row.last_bytes}});
  }
  const frontier curve = all.on_frontier();
  if (!curve.rows.empty()) {
    j["frontier"] = {{"cost", curve.of_processor ? "processor seconds" : "seconds"},
                     {"seeds", curve.seeds},
                     {"costs", detail::json_value(curve.curve.costs)},
                     {"accuracies", detail::json_value(curve.curve.accuracies)},
                     {"runs", json::array()}};
  }
  for (const frontier_row& row : curve.rows) {
    j["frontier"]["runs"].push_back({{"run", row.name},
                                     {"cost", detail::json_value(row.cost)},
                                     {"test_accuracy", detail::json_value(row.test)},
                                     {"test_error", detail::json_value(row.error)},
                                     {"speed_up", detail::json_value(row.speed_up)},
                                     {"bound", std::string(1, row.bound)},
                                     {"low", detail::json_value(row.low)},
                                     {"high", detail::json_value(row.high)},
                                     {"loss_bound", detail::json_value(row.loss_bound)}});
  }
  j["runs"] = json::array();
  for (const run_result& run : all.runs) j["runs"].push_back(detail::run_json(run));
  return j.dump(1, ' ', false, json::error_handler_t::replace) + '\n';
}

}  // namespace examples
