#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "../comparison.hpp"
#include "../experiment.hpp"
#include "../frontier.hpp"
#include "html_table.hpp"
#include "plot.hpp"

namespace examples::detail {

/// The mean of the runs of a name as a point in the style of their kind, with the range of their seeds.
[[nodiscard]] inline line seed_line(const experiment& all, const std::string& name,
                                    const std::function<double(const run_result&)>& x) {
  line l;
  l.name = name;
  l.style = all.chosen.comparison.style_of(name);
  std::vector<double> xs;
  std::vector<double> ys;
  for (const run_result& run : all.runs) {
    if (run.name != name || !run.finished()) continue;
    xs.push_back(x(run));
    ys.push_back(100 * run.test_accuracy);
  }
  l.x = {mean_of(xs)};
  l.y = {mean_of(ys)};
  if (ys.size() > 1) {
    l.low = {*std::min_element(ys.begin(), ys.end())};
    l.high = {*std::max_element(ys.begin(), ys.end())};
  }
  return l;
}

/// The table of the frontier and its plots; empty without a curve.
[[nodiscard]] inline std::string frontier_section(const experiment& all) {
  const frontier curve = all.on_frontier();
  if (curve.rows.empty()) return {};
  const std::string unit = curve.of_processor ? "processor seconds" : "seconds";
  line sgd{.name = "sgd, 25 to 150 % of the epochs", .style = 0, .x = curve.curve.costs, .y = curve.curve.accuracies};
  for (double& value : sgd.y) value *= 100;
  if (curve.seeds > 1) {
    sgd.low = curve.lowest;
    sgd.high = curve.highest;
    for (auto* ends : {&sgd.low, &sgd.high}) {
      for (double& value : *ends) value *= 100;
    }
  }
  const auto cost = [&curve](const run_result& run) {
    return curve.of_processor ? run.report.processor_seconds() : run.report.seconds;
  };
  const std::string seeds = curve.seeds > 1 ? " A stroke and a band reach from the smallest to the largest seed." : "";
  plot p{
      .title = "Accuracy against the cost of training",
      .x_label = unit + " of training",
      .y_label = "test accuracy, %",
      .note = "The line is gradient descent, each point with a schedule of its own. A run above the line pays." + seeds,
      .lines = {sgd}};
  for (const frontier_row& row : curve.rows) p.lines.push_back(seed_line(all, row.name, cost));
  std::string page = "<h2>Frontier</h2>\n" + html_table(frontier_cells(curve)) + "<p class='note'>";
  for (const std::string_view note : frontier_notes) page += escaped(note) + ' ';
  page += "</p>\n";
  for (const std::string& verdict : frontier_verdicts(curve)) page += "<p>" + escaped(verdict) + "</p>\n";
  page += drawn(p);
  // The corner that matters: all that is as accurate as half the budget of SGD.
  const double floor = 100 * curve.curve.accuracies[curve.curve.accuracies.size() > 1 ? 1 : 0];
  p.title = "The same, from the second point of the line on";
  p.note.clear();
  line& first = p.lines.front();
  for (auto* values : {&first.x, &first.y, &first.low, &first.high}) {
    if (!values->empty()) values->erase(values->begin());
  }
  std::erase_if(p.lines, [floor](const line& l) { return l.y.back() < floor; });
  page += drawn(p);

  plot memory{.title = "Accuracy against peak memory",
              .x_label = "peak MB",
              .y_label = "test accuracy, %",
              .note = "10^6 bytes: weights, optimizer and the memory that is planned, at the worst moment of the run.",
              .lines = {}};
  const auto peak = [](const run_result& run) { return static_cast<double>(run.report.memory.peak) / 1e6; };
  for (const table_row& row : all.table()) {
    if (row.seeds == 0) continue;
    memory.lines.push_back(seed_line(all, row.name, peak));
  }
  return page + drawn(memory);
}

}  // namespace examples::detail
