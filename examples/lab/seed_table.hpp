#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "comparison.hpp"
#include "report/dot_plot.hpp"
#include "report/format.hpp"
#include "report/html_report.hpp"
#include "report/report_folder.hpp"
#include "setting_options.hpp"
#include <nlohmann/json.hpp>

#include <localis/core/error.hpp>

namespace examples {

/// What a run has cost.
struct run_cost {
  std::string batch;     ///< as text
  std::size_t peak = 0;  ///< bytes
  double seconds = 0;
};

/// A table that follows from the runs, with its reading.
struct further_table {
  std::string title;
  cells rows;
  std::vector<std::string> lines;  ///< below it
};

/// Accuracies of some ways under some conditions, by seed, with the sentences and the report that follow from them.
/// report.json holds at any time what is done, so that an interrupted program can go on.
class seed_table {
 public:
  /// Goes on with the report in the output folder if --resume is given; else there must be none.
  /// @param facts  how it is done, but for the seeds; the same text in a report that is resumed
  /// @param ways  the rows, in their order
  /// @param conditions  the columns, in their order
  /// Errors: config_error, data_error
  seed_table(const setting_options& chosen, std::string title, std::string facts, std::vector<std::string> ways,
             std::vector<std::string> conditions)
      : folder_(chosen.out),
        title_(std::move(title)),
        facts_(std::move(facts)),
        ways_(std::move(ways)),
        conditions_(std::move(conditions)) {
    if (chosen.resume) {
      load();
    } else {
      folder_.expect_new(report_name);
    }
    std::cout << facts_ << "\n\n";
  }

  /// Whether this run is done.
  [[nodiscard]] bool has(const std::string& way, const std::string& condition, std::uint64_t seed) const {
    return row(way, condition).tests.count(seed) > 0;
  }
  /// Whether all runs from this seed are done.
  [[nodiscard]] bool has(std::uint64_t seed) const {
    return std::all_of(ways_.begin(), ways_.end(), [&](const std::string& way) { return has(way, seed); });
  }
  [[nodiscard]] bool has(const std::string& way, std::uint64_t seed) const {
    return std::all_of(conditions_.begin(), conditions_.end(),
                       [&](const std::string& condition) { return has(way, condition, seed); });
  }

  void set(const std::string& way, const std::string& condition, std::uint64_t seed, double accuracy,
           const std::optional<run_cost>& cost = {}) {
    values_[condition][way][seed] = {accuracy, cost};
    folder_.write(report_name, json());
    std::cout << way << ", " << condition << ", seed " << seed << ": test " << percent(accuracy) << " %" << std::endl;
  }

  /// What was chosen before for these runs; else the candidate of the largest accuracy, which is kept.
  /// @param accuracy  of a candidate, on pictures other than those of the table
  template <std::size_t N, class Accuracy>
  [[nodiscard]] double choose(const std::string& way, const std::string& condition, const double (&candidates)[N],
                              const Accuracy& accuracy) {
    auto& chosen = choices_[condition];
    if (chosen.count(way) == 0) {
      double accuracies[N];
      std::transform(std::begin(candidates), std::end(candidates), accuracies, accuracy);
      chosen[way] = candidates[std::max_element(accuracies, accuracies + N) - accuracies];
      folder_.write(report_name, json());
    }
    return chosen[way];
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

  /// What the runs cost: the largest peak and the median of the seconds. Empty where no run tells.
  [[nodiscard]] cells costs() const {
    cells rows;
    for (const std::string& condition : conditions_) {
      for (const std::string& way : ways_) {
        run_cost total;
        std::vector<double> seconds;
        for (const auto& [seed, value] : runs_of(way, condition)) {
          if (!value.cost) continue;
          total.batch = value.cost->batch;
          total.peak = std::max(total.peak, value.cost->peak);
          seconds.push_back(value.cost->seconds);
        }
        if (seconds.empty()) continue;
        if (rows.empty()) rows.push_back({"run", "condition", "batch", "peak MB", "seconds"});
        rows.push_back({way, condition, total.batch, megabytes(total.peak), fixed(detail::median_of(seconds), 1)});
      }
    }
    return rows;
  }

  /// The runs under a condition that tell what they cost. Their reports have the ending, the seconds and the peak
  /// alone.
  [[nodiscard]] std::vector<run_result> runs(const std::string& condition) const {
    std::vector<run_result> result;
    for (const std::string& way : ways_) {
      for (const auto& [seed, value] : runs_of(way, condition)) {
        if (!value.cost) continue;
        run_result one{.name = way, .seed = seed, .test_accuracy = value.accuracy};
        one.report.end = localis::ending::finished;
        one.report.epochs.emplace_back();
        one.report.seconds = value.cost->seconds;
        one.report.memory.peak = value.cost->peak;
        result.push_back(std::move(one));
      }
    }
    return result;
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
                " seeds), " +
                (lead.mean > detail::student_975(lead.values.size() - 1) * lead.error ? "beyond the error."
                                                                                      : "within the error.");
      }
      lines.push_back(std::move(line));
    }
    return lines;
  }

  /// Writes report.html and table.md beside report.json, and prints the tables.
  void report(const std::vector<further_table>& further = {}) const {
    std::string page = "<p class='note'>" + escaped(facts_) + "</p>\n" + detail::html_table(table());
    if (!costs().empty()) page += detail::html_table(costs());
    for (const std::string& line : verdicts()) page += "<p>" + escaped(line) + "</p>\n";
    std::string texts;
    std::string tables = markdown_table(table()) + (costs().empty() ? "" : '\n' + markdown_table(costs()));
    for (const further_table& one : further) {
      page += "<h2>" + escaped(one.title) + "</h2>\n" + detail::html_table(one.rows);
      tables += '\n' + one.title + "\n\n" + markdown_table(one.rows);
      texts += one.title + '\n' + text_table(one.rows) + '\n';
      for (const std::string& line : one.lines) {
        page += "<p>" + escaped(line) + "</p>\n";
        texts += line + '\n';
      }
      texts += '\n';
    }
    for (const std::string& condition : conditions_) {
      dot_plot plot{
          .title = condition, .x_label = "test accuracy, %", .note = "A dot is one seed, the stroke their mean."};
      for (const std::string& way : ways_) {
        dot_plot::row dots{way, {}};
        for (const auto& [seed, value] : row(way, condition).tests) dots.values.push_back(100 * value);
        if (!dots.values.empty()) plot.rows.push_back(std::move(dots));
      }
      page += drawn(plot);
    }
    folder_.write("report.html", html_page(title_, page));
    folder_.write("table.md", tables);
    std::cout << '\n' << text_table(table()) << '\n';
    if (!costs().empty()) std::cout << text_table(costs()) << '\n';
    std::cout << texts;
    for (const std::string& line : verdicts()) std::cout << line << '\n';
    std::cout << "\nreport: " << folder_.path().string() << std::endl;
  }

 private:
  struct run {
    double accuracy = 0;
    std::optional<run_cost> cost;
  };
  using by_seed = std::map<std::uint64_t, run>;

  static constexpr const char* report_name = "report.json";

  [[nodiscard]] std::string json() const {
    nlohmann::ordered_json content{{"title", title_},
                                   {"facts", facts_},
                                   {"chosen", nlohmann::ordered_json::object()},
                                   {"accuracies", nlohmann::ordered_json::object()}};
    for (const auto& [condition, ways] : choices_) {
      for (const auto& [way, value] : ways) content["chosen"][condition][way] = value;
    }
    for (const auto& [condition, ways] : values_) {
      for (const auto& [way, tests] : ways) {
        for (const auto& [seed, value] : tests) {
          nlohmann::ordered_json one{{"seed", seed}, {"accuracy", value.accuracy}};
          if (value.cost) {
            one["batch"] = value.cost->batch;
            one["peak"] = value.cost->peak;
            one["seconds"] = value.cost->seconds;
          }
          content["accuracies"][condition][way].push_back(std::move(one));
        }
      }
    }
    return content.dump(1) + '\n';
  }
  void load() {
    const std::filesystem::path file = folder_.path() / report_name;
    const auto refuse = [&](const std::string& expected, const std::string& found) {
      throw localis::data_error(localis::text("--resume: ", file.string(), ": expected ", expected, ", found ", found));
    };
    std::ifstream in(file);
    if (!in) refuse("an earlier report", "none");
    try {
      const nlohmann::json content = nlohmann::json::parse(in);
      const std::string facts = content.at("facts");
      if (facts != facts_) refuse("a report of \"" + facts_ + '"', "one of \"" + facts + '"');
      for (const auto& [condition, ways] : content.at("chosen").items()) {
        for (const auto& [way, value] : ways.items()) choices_[condition][way] = value;
      }
      for (const auto& [condition, ways] : content.at("accuracies").items()) {
        for (const auto& [way, tests] : ways.items()) {
          for (const auto& test : tests) {
            run& one = values_[condition][way][test.at("seed")];
            one.accuracy = test.at("accuracy");
            if (test.contains("batch")) one.cost = run_cost{test.at("batch"), test.at("peak"), test.at("seconds")};
          }
        }
      }
    } catch (const localis::error&) {
      throw;
    } catch (const std::exception& failure) {
      refuse("a report of this program", failure.what());
    }
  }
  /// The runs of a way under a condition, by seed.
  [[nodiscard]] by_seed runs_of(const std::string& way, const std::string& condition) const {
    const auto by_way = values_.find(condition);
    if (by_way == values_.end()) return {};
    const auto found = by_way->second.find(way);
    return found == by_way->second.end() ? by_seed{} : found->second;
  }
  [[nodiscard]] table_row row(const std::string& way, const std::string& condition) const {
    table_row result;
    result.name = way;
    std::vector<double> tests;
    for (const auto& [seed, value] : runs_of(way, condition)) {
      result.tests[seed] = value.accuracy;
      tests.push_back(value.accuracy);
    }
    if (!tests.empty()) result.test = detail::mean_of(tests);
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

  report_folder folder_;
  std::string title_;
  std::string facts_;
  std::vector<std::string> ways_;
  std::vector<std::string> conditions_;
  std::map<std::string, std::map<std::string, by_seed>> values_;
  std::map<std::string, std::map<std::string, double>> choices_;
};

}  // namespace examples
