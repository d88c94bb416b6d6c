#include <filesystem>
#include <string>
#include <vector>

#include "lab/experiment.hpp"
#include "lab/read_config.hpp"
#include "lab/read_settings.hpp"
#include "lab/report/format.hpp"
#include "lab/report/html_report.hpp"
#include "lab/report/read_report.hpp"
#include "lab/report/report_json.hpp"
#include "support/global_locale.hpp"
#include "support/reports.hpp"
#include "support/temporary_folder.hpp"
#include <CLI/CLI.hpp>
#include <doctest/doctest.h>

namespace {

examples::experiment large() {
  auto all = reports::experiment();
  all.chosen.epochs = 12345;
  all.train = 55000;
  all.runs[0].report.seconds = 1234567.5;
  return all;
}

/// What files hold of it.
std::vector<std::string> written(const examples::experiment& all) {
  return {examples::report_json(all), examples::report_html(all), examples::epochs_csv(all),
          examples::markdown_table(all.results()), examples::settings_json(all.chosen).dump(1)};
}

}  // namespace

TEST_CASE("examples: reports are the same in every locale of the program, and read in every other") {
  const auto all = large();
  const auto plain = written(all);
  const temporary_folder folder;
  const auto report = folder.file("report.json", plain[0]);
  const auto config = folder.file("run.json", R"({"local-rate": 1.5e-3, "batch": 1024})");
  const german_locale german_numbers;
  const auto german = written(all);
  for (std::size_t i = 0; i < plain.size(); ++i) {
    CAPTURE(i);
    CHECK(german[i] == plain[i]);
  }
  CHECK(examples::read_report(report).runs[0].report.seconds == 1234567.5);
  const auto values = examples::read_config(config);
  CHECK(values[0].value == "1.5e-3");
  CHECK(values[1].value == "1024");
}
