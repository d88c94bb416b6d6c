#pragma once

#include <cstddef>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "../comparison.hpp"
#include "../experiment.hpp"
#include "report_json.hpp"
#include <nlohmann/json.hpp>

#include <localis/core/error.hpp>
#include <localis/core/file.hpp>
#include <localis/train/report.hpp>

/// Reads the content of report.json.
namespace examples {

namespace detail {

struct read_member {
  const nlohmann::json& object;

  void operator()(const char* name, auto& value) const { take(name, object.at(name), value); }

  /// A member that older reports lack.
  void newer(const char* name, double& value) const {
    value = no_number;
    if (object.contains(name)) (*this)(name, value);
  }
  // Lists of an epoch that are empty are not in a report.
  void operator()(const char* name, std::vector<double>& values) const {
    if (object.contains(name)) take(name, object.at(name), values);
  }
  void operator()(const char* name, std::vector<std::pair<std::string, double>>& values) const {
    if (!object.contains(name)) return;
    localis::expect(object.at(name).is_object(), name, "numbers by name", object.at(name).dump().substr(0, 100));
    for (const auto& [own, stored] : object.at(name).items()) take(name, stored, values.emplace_back(own, 0.0).second);
  }

  static void take(const char* name, const nlohmann::json& stored, std::size_t& value) {
    localis::expect(stored.is_number_unsigned(), name, "a whole number of at least 0", stored.dump().substr(0, 100));
    value = stored.get<std::size_t>();
  }
  static void take(const char* name, const nlohmann::json& stored, double& value) {
    localis::expect(stored.is_number() || stored.is_null(), name, "a number or null", stored.dump().substr(0, 100));
    value = stored.is_null() ? no_number : stored.get<double>();
  }
  template <class T>
  static void take(const char* name, const nlohmann::json& stored, std::vector<T>& values) {
    localis::expect(stored.is_array(), name, "a list", stored.dump().substr(0, 100));
    values.clear();
    for (const nlohmann::json& one : stored) take(name, one, values.emplace_back());
  }
};

[[nodiscard]] inline localis::confusion_matrix read_confusion(const nlohmann::json& j) {
  std::vector<std::vector<std::size_t>> rows;
  read_member::take("confusion", j, rows);
  for (const auto& row : rows) {
    localis::expect(row.size() == rows.size(), "confusion: row", "a count for each class", row.size());
  }
  localis::confusion_matrix matrix(rows.size());
  for (std::size_t truth = 0; truth < rows.size(); ++truth) {
    for (std::size_t c = 0; c < rows.size(); ++c) matrix.add(truth, c, rows[truth][c]);
  }
  return matrix;
}

/// @param stages  number of stages of the network
[[nodiscard]] inline run_result read_run(const nlohmann::json& j, std::size_t stages) {
  const read_member member{j};
  run_result run;
  run.name = j.at("run");
  member("seed", run.seed);
  run.note = j.at("note");
  member("planned_epochs", run.epochs);
  member("local_rate", run.local_rate);
  run.local = run.local_rate > 0;
  for (const auto ending : {localis::ending::finished, localis::ending::stopped, localis::ending::diverged}) {
    if (j.at("ending") == name_of(ending)) run.report.end = ending;
  }
  run.report.message = j.at("message");
  member("test_accuracy", run.test_accuracy);
  member("seconds", run.report.seconds);
  member("prefix_fraction", run.report.prefix_fraction);
  visit_members(run.report.memory, read_member{j.at("bytes")});
  for (const nlohmann::json& one : j.at("epochs")) {
    localis::epoch_record& e = run.report.epochs.emplace_back();
    visit_members(e, read_member{one});
    localis::expect(e.epoch-- > 0, "epoch", "at least 1", 0);
    localis::expect(e.boundary < stages, "boundary", localis::text("less than the ", stages, " stages").c_str(),
                    e.boundary);
  }
  localis::expect(!run.finished() || !run.report.epochs.empty(), "epochs of a finished run", "at least 1", 0);
  run.confusion = read_confusion(j.at("confusion"));
  return run;
}

}  // namespace detail

/// A parsed report.json, and its runs.
struct stored_report {
  nlohmann::json json;
  std::size_t epochs = 0;              ///< that were asked for
  std::vector<double> work_fractions;  ///< of each stage in the network's products
  std::vector<run_result> runs;
};

/// Parses the content of report.json, from a text or a stream. Errors: exceptions of several types if it is another
/// text.
template <class Source>
[[nodiscard]] stored_report parse_report(Source&& source) {
  stored_report result;
  // What is nested without end could be parsed, but not told about.
  result.json = nlohmann::json::parse(std::forward<Source>(source),
                                      [](int level, nlohmann::json::parse_event_t, nlohmann::json&) {
                                        localis::expect(level < 16, "report", "JSON of at most 16 levels", "more");
                                        return true;
                                      });
  detail::read_member{result.json.at("settings")}("epochs", result.epochs);
  detail::read_member::take("work_fractions", result.json.at("network").at("work_fractions"), result.work_fractions);
  for (const nlohmann::json& j : result.json.at("runs")) {
    result.runs.push_back(detail::read_run(j, result.work_fractions.size()));
  }
  return result;
}

/// Reads a report. Errors: data_error, with the file, for a file that is not a report or is incomplete.
[[nodiscard]] inline stored_report read_report(const std::filesystem::path& file) {
  try {
    std::ifstream in(file, std::ios::binary);
    localis::expect(std::filesystem::is_regular_file(file), "report", "a file", "none");
    return parse_report(in);
  } catch (const std::exception& failure) {
    throw localis::data_error(localis::text(file.string(), ": expected the report.json of a comparison, found: ",
                                            localis::detail::found_kind(file, failure.what(), "JSON")));
  }
}

}  // namespace examples
