#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "../comparison.hpp"
#include "../frontier.hpp"
#include "../programs.hpp"
#include "format.hpp"
#include "html_report.hpp"
#include "path_text.hpp"
#include "plot.hpp"
#include "read_report.hpp"
#include "report_folder.hpp"
#include "run_program.hpp"
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <localis/core/error.hpp>

/// The reports of several comparisons on one page.
namespace examples {

/// A report with its name.
struct named_report {
  std::string name;  ///< name of its folder or file
  std::vector<run_result> runs;
  std::vector<table_row> rows;
  cells facts;     ///< rows of a name and a value
  frontier curve;  ///< without rows where there are no runs of several budgets
};

namespace detail {

[[nodiscard]] inline std::string told(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : value.is_null() ? "left to the run" : value.dump();
}

[[nodiscard]] inline named_report read_named(const std::string& folder) {
  const bool is_file = std::filesystem::is_regular_file(folder);
  const std::filesystem::path file =
      is_file ? std::filesystem::path(folder) : std::filesystem::path(folder) / "report.json";
  stored_report report = read_report(file);
  named_report result{path_text(folder), std::move(report.runs), {}, {}, {}};
  try {
    const nlohmann::json& j = report.json;
    result.rows = compare(result.runs, report.work_fractions, report.epochs);
    const bool on_host = told(j.at("machine").at("backend")).find("cuda") == std::string::npos;
    result.curve = frontier_of(result.runs, result.rows, train_kinds, on_host);
    result.facts.push_back({"ending", told(j.at("ending"))});
    for (const char* name : {"localis", "commit"}) {
      if (j.contains(name)) result.facts.push_back({name, told(j.at(name))});
    }
    for (const char* part : {"data", "machine", "settings"}) {
      for (const auto& [name, value] : j.at(part).items()) {
        result.facts.push_back(
            {(part == std::string("settings") ? "--" : part + std::string(", ")) + name, told(value)});
      }
    }
  } catch (const nlohmann::json::exception& failure) {
    throw localis::data_error(
        localis::text(file.string(), ": expected the report.json of a comparison, found: ", failure.what()));
  }
  return result;
}

/// The names that occur in any of the reports, in the order of first appearance.
template <class Names>
[[nodiscard]] std::vector<std::string> all_names(const std::vector<named_report>& reports, const Names& names_of) {
  std::vector<std::string> all;
  for (const named_report& report : reports) {
    for (const auto& one : names_of(report)) {
      const std::string& name = one;
      if (std::find(all.begin(), all.end(), name) == all.end()) all.push_back(name);
    }
  }
  return all;
}

[[nodiscard]] inline std::vector<std::string> run_names(const std::vector<named_report>& reports) {
  return all_names(reports, [](const named_report& report) {
    std::vector<std::string> names;
    for (const table_row& row : report.rows) names.push_back(row.name);
    return names;
  });
}

/// A table with a row for each run and a column for each report.
template <class Cell>
[[nodiscard]] cells side_by_side(const std::vector<named_report>& reports, const std::string& what, const Cell& cell) {
  cells table{{what}};
  for (const named_report& report : reports) table[0].push_back(report.name);
  for (const std::string& name : run_names(reports)) {
    table.push_back({name});
    for (const named_report& report : reports) {
      const table_row* row = find_row(report.rows, name);
      table.back().push_back(row == nullptr ? "" : cell(*row));
    }
  }
  return table;
}

/// The speed-ups of the runs on the curves of gradient descent of their reports; empty if no report has a curve.
[[nodiscard]] inline cells speed_ups(const std::vector<named_report>& reports) {
  cells table = side_by_side(reports, "equal-accuracy speed-up", [](const table_row&) { return std::string(); });
  bool any = false;
  for (std::size_t i = 1; i < table.size(); ++i) {
    for (std::size_t r = 0; r < reports.size(); ++r) {
      for (const frontier_row& row : reports[r].curve.rows) {
        if (row.name != table[i][0]) continue;
        const std::string interval = told_interval(row);
        table[i][r + 1] = told_speed_up(row) + (interval.empty() ? "" : " (" + interval + ')');
        any = true;
      }
    }
  }
  return any ? table : cells{};
}

/// The facts in which the reports differ, one per row; empty if there are none.
[[nodiscard]] inline cells differing_facts(const std::vector<named_report>& reports) {
  cells table{{""}};
  for (const named_report& report : reports) table[0].push_back(report.name);
  const auto names = all_names(reports, [](const named_report& report) {
    std::vector<std::string> fact_names;
    for (const auto& fact : report.facts) fact_names.push_back(fact[0]);
    return fact_names;
  });
  for (const std::string& name : names) {
    std::vector<std::string> row{name};
    for (const named_report& report : reports) {
      const auto fact =
          std::find_if(report.facts.begin(), report.facts.end(), [&name](const auto& one) { return one[0] == name; });
      row.push_back(fact == report.facts.end() ? "" : (*fact)[1]);
    }
    if (std::any_of(row.begin() + 2, row.end(), [&row](const std::string& value) { return value != row[1]; })) {
      table.push_back(std::move(row));
    }
  }
  return table.size() == 1 ? cells{} : table;
}

/// The lines of a plot over epochs, one for each report that contains the run.
[[nodiscard]] inline std::vector<line> lines_of_run(const std::vector<named_report>& reports, const std::string& name,
                                                    const epoch_value& y) {
  std::vector<line> lines;
  for (std::size_t r = 0; r < reports.size(); ++r) {
    line l = mean_line(
        reports[r].runs, name, [](const localis::report&, std::size_t e) { return static_cast<double>(e + 1); }, y);
    l.name = reports[r].name;
    l.style = r;
    lines.push_back(std::move(l));
  }
  return lines;
}

}  // namespace detail

[[nodiscard]] inline std::string comparison_html(const std::vector<named_report>& reports) {
  using detail::side_by_side;
  std::string page =
      "<p class='note'>A column is a folder. Accuracies are means over the seeds, seconds medians.</p>\n";
  page += detail::html_table(
      side_by_side(reports, "test accuracy, %", [](const table_row& row) { return percent(row.test); }));
  page += "<p></p>\n" + detail::html_table(side_by_side(reports, "training time, seconds",
                                                        [](const table_row& row) { return fixed(row.seconds, 1); }));
  page += "<p></p>\n" + detail::html_table(side_by_side(reports, "peak memory, MB", [](const table_row& row) {
            return row.seeds > 0 ? megabytes(row.memory.peak) : "-";
          }));
  const cells speed_ups = detail::speed_ups(reports);
  if (!speed_ups.empty()) page += "<p></p>\n" + detail::html_table(speed_ups);
  page += "<h2>What they were done with</h2>\n";
  const cells facts = detail::differing_facts(reports);
  page += facts.empty()
              ? "<p class='note'>All the same in all.</p>\n"
              : "<p class='note'>Only what is not the same in all.</p>\n" + detail::html_table(facts, "facts");
  for (const std::string& name : detail::run_names(reports)) {
    page += drawn({.title = name + ": validation accuracy",
                   .x_label = "epoch",
                   .y_label = "validation accuracy, %",
                   .note = {},
                   .whole_x = true,
                   .lines = detail::lines_of_run(reports, name, [](const localis::report& r, std::size_t e) {
                     return 100 * r.epochs[e].validation_accuracy;
                   })});
    page += drawn({.title = name + ": training loss",
                   .x_label = "epoch",
                   .y_label = "mean loss of the epoch's steps",
                   .note = {},
                   .whole_x = true,
                   .lines = detail::lines_of_run(
                       reports, name, [](const localis::report& r, std::size_t e) { return r.epochs[e].loss; })});
  }
  return html_page("Comparisons side by side", page);
}

/// Runs the program compare_reports; returns its exit status.
[[nodiscard]] inline int compare_reports(int argc, const char* const* argv) {
  return run_program("compare_reports", "Lays the reports of several comparisons side by side.", [&](CLI::App& app) {
    std::vector<std::string> folders;
    std::string page = "comparison.html";
    app.add_option("FOLDER", folders, "of a comparison: what --out was there, with a report.json, or such a file")
        ->required();
    app.add_option("--out", page, "page that is written, a new one [comparison.html]");
    app.parse(argc, argv);
    std::vector<named_report> reports;
    for (const std::string& folder : folders) reports.push_back(detail::read_named(folder));
    const std::filesystem::path target = std::filesystem::absolute(page);
    const report_folder parent(target.parent_path());
    parent.expect_new(target.filename().string());
    parent.write(target.filename().string(), comparison_html(reports));
    std::cout << "page: " << target.string() << std::endl;
    return 0;
  });
}

}  // namespace examples
