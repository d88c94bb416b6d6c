#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "comparison.hpp"
#include "report/dot_plot.hpp"
#include "report/format.hpp"
#include "report/html_report.hpp"
#include "report/report_folder.hpp"
#include <nlohmann/json.hpp>

namespace examples {

/// Accuracies of some ways under some conditions, by seed, with the sentences and the report that follow from them.
class seed_table {
 public:
  /// @param ways  the rows, in their order
  /// @param conditions  the columns, in their order
  seed_table(std::vector<std::string> ways, std::vector<std::string> conditions)
      : ways_(std::move(ways)), conditions_(std::move(conditions)) {}

  void set(const std::string& way, const std::string& condition, std::uint64_t seed, double accuracy) {
    values_[condition][way][seed] = accuracy;
    std::cout << way << ", " << condition << ", seed " << seed << ": test " << percent(accuracy) << " %" << std::endl;
  }

  /// Means over the seeds, with their standard errors.
  [[nodiscard]] cells table() const {
    cells rows{{"test %"}};
    for (const std::string& condition : conditions_) rows[0].push_back(condition);
    for (const std::string& way : ways_) {
      rows.push_back({way});
      for (const std::string& condition : conditions_) rows.back().push_back(mean_and_error(row(way, condition)));
    }
    return rows;
  }

  /// For each condition: who wins, by how much, and whether that is beyond the error.
  [[nodiscard]] std::vector<std::string> verdicts() const {
    std::vector<std::string> lines;
    for (const std::string& condition : conditions_) {
      std::vector<table_row> rows;
      for (const std::string& way : ways_) {
        if (row(way, condition).tests.empty()) continue;
        rows.push_back(row(way, condition));
      }
      if (rows.size() < 2) continue;
      std::stable_sort(rows.begin(), rows.end(),
                       [](const table_row& a, const table_row& b) { return a.test > b.test; });
      const paired lead = paired_difference(rows[0], rows[1]);
      std::string line = condition + ": " + rows[0].name + " wins over " + rows[1].name + " by " + percent(lead.mean);
      if (lead.values.size() < 2) {
        line += " points; more seeds tell how sure that is.";
      } else {
        line += " +- " + percent(lead.error) + " points (paired by " + std::to_string(lead.values.size()) +
                " seeds), " + (lead.mean > 2 * lead.error ? "beyond the error." : "within the error.");
      }
      lines.push_back(std::move(line));
    }
    return lines;
  }

  /// Writes report.html, report.json and table.md, and prints the table.
  /// @param facts  how it was done
  void report(const report_folder& folder, const std::string& title, const std::string& facts) const {
    std::string page = "<p class='note'>" + escaped(facts) + "</p>\n" + detail::html_table(table());
    for (const std::string& line : verdicts()) page += "<p>" + escaped(line) + "</p>\n";
    nlohmann::ordered_json json{{"title", title}, {"facts", facts}, {"accuracies", nlohmann::ordered_json::object()}};
    for (const std::string& condition : conditions_) {
      dot_plot plot{
          .title = condition, .x_label = "test accuracy, %", .note = "A dot is one seed, the stroke their mean."};
      for (const std::string& way : ways_) {
        dot_plot::row dots{way, {}};
        for (const auto& [seed, value] : row(way, condition).tests) {
          dots.values.push_back(100 * value);
          json["accuracies"][condition][way][std::to_string(seed)] = value;
        }
        if (!dots.values.empty()) plot.rows.push_back(std::move(dots));
      }
      page += drawn(plot);
    }
    folder.write("report.html", html_page(title, page));
    folder.write("report.json", json.dump(1) + '\n');
    folder.write("table.md", markdown_table(table()));
    std::cout << '\n' << text_table(table()) << '\n';
    for (const std::string& line : verdicts()) std::cout << line << '\n';
    std::cout << "\nreport: " << folder.path().string() << std::endl;
  }

 private:
  [[nodiscard]] table_row row(const std::string& way, const std::string& condition) const {
    table_row result;
    result.name = way;
    const auto by_way = values_.find(condition);
    if (by_way == values_.end() || by_way->second.count(way) == 0) return result;
    result.tests = by_way->second.at(way);
    std::vector<double> tests;
    for (const auto& [seed, value] : result.tests) tests.push_back(value);
    result.test = detail::mean_of(tests);
    return result;
  }
  /// "61.23 +- 0.31", or "-" without a value.
  [[nodiscard]] static std::string mean_and_error(const table_row& row) {
    if (row.tests.empty()) return "-";
    const auto count = static_cast<double>(row.tests.size());
    double squares = 0;
    for (const auto& [seed, value] : row.tests) squares += (value - row.test) * (value - row.test);
    if (row.tests.size() < 2) return percent(row.test);
    return percent(row.test) + " +- " + percent(std::sqrt(squares / (count - 1) / count));
  }

  std::vector<std::string> ways_;
  std::vector<std::string> conditions_;
  std::map<std::string, std::map<std::string, std::map<std::uint64_t, double>>> values_;
};

}  // namespace examples
