#include "lab/report/read_report.hpp"

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "lab/report/report_json.hpp"
#include "support/reports.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <localis/core/error.hpp>

namespace {

std::string complaint(const std::filesystem::path& file) {
  try {
    (void)examples::read_report(file);
  } catch (const localis::data_error& error) {
    return error.what();
  }
  return "nothing";
}

}  // namespace

TEST_CASE("read_report: what report.json holds of the runs is read back") {
  const temporary_folder folder;
  const auto file = folder.path / "report.json";
  auto all = reports::experiment();
  all.runs[1].report.end = localis::ending::diverged;
  all.runs[1].report.message = "training diverged";
  all.runs[1].test_accuracy = examples::no_number;
  all.runs[1].confusion = {};
  all.runs[0].report.epochs.back().validation_metrics = {{"error", examples::no_number}, {"top_5", 0.75}};
  all.runs[0].report.epochs.back().stage_cosines = {-0.25, examples::no_number};
  all.runs[0].report.epochs.back().stage_dead_fractions = {0.5, examples::no_number};
  write_file(file, report_json(all));
  const auto read = examples::read_report(file);
  CHECK(read.work_fractions == all.work_fractions);
  REQUIRE(read.runs.size() == 2);
  CHECK(read.runs[0].confusion == all.runs[0].confusion);
  CHECK(read.runs[1].diverged());
  CHECK(read.runs[1].confusion.classes() == 0);
  CHECK(std::isnan(read.runs[1].test_accuracy));
  CHECK(read.runs[0].report.epochs.back().epoch == 1);
  CHECK(read.runs[0].report.epochs.back().stage_update_norms[1] == 0.1);
  CHECK(read.runs[0].report.epochs.back().stage_cosines[0] == -0.25);
  CHECK(std::isnan(read.runs[0].report.epochs.back().stage_cosines[1]));
  CHECK(read.runs[0].report.epochs.back().stage_dead_fractions[0] == 0.5);
  CHECK(read.runs[0].report.epochs.front().stage_cosines.empty());
  CHECK(read.runs[0].report.epochs.front().validation_metrics.empty());
  REQUIRE(read.runs[0].report.epochs.back().validation_metrics.size() == 2);
  CHECK(read.runs[0].report.epochs.back().validation_metrics[1] == std::pair<std::string, double>("top_5", 0.75));
  // Written again, it is the same text.
  auto again = all;
  again.runs = read.runs;
  CHECK(report_json(again) == report_json(all));
}

TEST_CASE("read_report: a file that is none, cut anywhere, or with other values has one clear message") {
  const temporary_folder folder;
  const auto file = folder.path / "report.json";
  const std::string start = file.string() + ": expected the report.json of a comparison, found: ";
  CHECK(complaint(file) == start + "report: expected a file, found none");
  CHECK(complaint(folder.path) != "nothing");
  write_file(file, "<!DOCTYPE html>");
  CHECK(complaint(file) == start + "an HTML page");
  const std::string whole = report_json(reports::experiment());
  for (std::size_t length = 0; length + 2 < whole.size(); length += 37) {
    write_file(file, whole.substr(0, length));
    const std::string said = complaint(file);
    CAPTURE(length);
    CHECK(said.rfind(start, 0) == 0);
  }
  struct change {
    const char* pointer;
    nlohmann::json value;
    const char* said;
  };
  const change changes[] = {
      {"/runs/0/epochs/0/boundary", 2, "boundary: expected less than the 2 stages, found 2"},
      {"/runs/0/epochs/0/epoch", 0, "epoch: expected at least 1, found 0"},
      {"/runs/0/epochs/0/steps", -1, "steps: expected a whole number of at least 0, found -1"},
      {"/runs/0/epochs/1/loss", "low", "loss: expected a number or null, found \"low\""},
      {"/runs/0/epochs/1/stage_update_norms", 3, "stage_update_norms: expected a list, found 3"},
      {"/runs/0/epochs", nlohmann::json::array(), "epochs of a finished run: expected at least 1, found 0"},
      {"/runs/0/confusion/1", {1, 2}, "confusion: row: expected a count for each class, found 2"},
      {"/network/work_fractions", "none", "work_fractions: expected a list, found \"none\""},
      {"/settings/epochs", 1.5, "epochs: expected a whole number of at least 0, found 1.5"},
      {"/note", nlohmann::json::parse(std::string(20, '[') + std::string(20, ']')),
       "report: expected JSON of at most 16 levels, found more"}};
  for (const change& one : changes) {
    nlohmann::json j = nlohmann::json::parse(whole);
    j[nlohmann::json::json_pointer(one.pointer)] = one.value;
    write_file(file, j.dump());
    CHECK(complaint(file) == start + one.said);
  }
}
