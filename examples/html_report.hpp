#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "comparison.hpp"
#include "dot_plot.hpp"
#include "experiment.hpp"
#include "format.hpp"
#include "plot.hpp"
#include "report_json.hpp"

/// report.html: one page without scripts or other files.
namespace examples {

namespace detail {

/// A value of one epoch of a run, at place `e`.
using epoch_value = std::function<double(const localis::report&, std::size_t e)>;

[[nodiscard]] inline double mean_finite(const std::vector<double>& values) {
  std::vector<double> finite;
  for (const double value : values) {
    if (std::isfinite(value)) finite.push_back(value);
  }
  return mean_of(finite);
}

/// A line for each run that `wanted` takes: by epoch, the mean over the seeds that got so far.
[[nodiscard]] inline std::vector<line> lines_of(const experiment& all, const epoch_value& x, const epoch_value& y,
                                                const std::function<bool(const run_result&)>& wanted) {
  std::vector<line> lines;
  for (std::size_t style = 0; style < all.chosen.of.kinds.size(); ++style) {
    line l;
    l.name = std::string(all.chosen.of.kinds[style].name);
    l.style = style;
    std::size_t epochs = 0;
    for (const run_result& run : all.runs) {
      if (run.name == l.name && wanted(run)) epochs = std::max(epochs, run.report.epochs.size());
    }
    for (std::size_t e = 0; e < epochs; ++e) {
      std::vector<double> across;
      std::vector<double> up;
      for (const run_result& run : all.runs) {
        if (run.name != l.name || run.report.epochs.size() <= e) continue;
        across.push_back(x(run.report, e));
        up.push_back(y(run.report, e));
      }
      l.x.push_back(mean_finite(across));
      l.y.push_back(mean_finite(up));
    }
    if (epochs > 0) lines.push_back(l);
  }
  return lines;
}

[[nodiscard]] inline std::string plots(const experiment& all) {
  const epoch_value epoch = [](const localis::report&, std::size_t e) { return static_cast<double>(e + 1); };
  const epoch_value seconds = [](const localis::report& r, std::size_t e) {
    double sum = 0;
    for (std::size_t i = 0; i <= e; ++i) sum += r.epochs[i].seconds;
    return sum;
  };
  const auto of = [](auto field) {
    return epoch_value(
        [field](const localis::report& r, std::size_t e) { return static_cast<double>(r.epochs[e].*field); });
  };
  using record = localis::epoch_record;
  const auto any = [](const run_result&) { return true; };
  const auto local = [](const run_result& run) { return run.local; };
  const std::string mean = all.chosen.seeds.size() > 1 ? "Mean over the seeds. " : "";

  std::string page;
  page +=
      drawn({.title = "Validation accuracy against training time",
             .x_label = "training time, seconds",
             .y_label = "validation accuracy, %",
             .note = mean + "A marker is an epoch's end.",
             .lines = lines_of(
                 all, seconds,
                 [](const localis::report& r, std::size_t e) { return 100 * r.epochs[e].validation_accuracy; }, any)});
  page += drawn({.title = "Training loss",
                 .x_label = "epoch",
                 .y_label = "mean loss of the epoch's steps",
                 .note = mean,
                 .whole_x = true,
                 .lines = lines_of(all, epoch, of(&record::loss), any)});
  plot boundary{.title = "Boundary",
                .x_label = "epoch",
                .y_label = "boundary T, stages that learn locally or are frozen",
                .note = mean + "Lines that would lie on each other are drawn a little apart.",
                .steps = true,
                .whole_x = true,
                .whole_y = true,
                .lines = lines_of(all, epoch, of(&record::boundary), any)};
  for (std::size_t i = 0; i < boundary.lines.size(); ++i) {
    const double apart = 0.035 * (static_cast<double>(i) - 0.5 * static_cast<double>(boundary.lines.size() - 1));
    for (double& value : boundary.lines[i].y) value -= apart;
  }
  if (!all.chosen.of.of_rules) page += drawn(boundary);  // else it is everybody's
  page +=
      drawn({.title = "Updates of the transition stage",
             .x_label = "epoch",
             .y_label = "mean norm of a step / learning rate",
             .note = mean + "The first stage that learns by gradient; a line jumps where the boundary moves to another "
                            "stage.",
             .whole_x = true,
             .lines = lines_of(all, epoch, of(&record::update_norm), any)});
  const bool clipped = std::any_of(all.runs.begin(), all.runs.end(), [](const run_result& run) {
    return std::any_of(run.report.epochs.begin(), run.report.epochs.end(), [](const record& e) { return e.clips > 0; });
  });
  if (clipped) {
    page += drawn({.title = "Clips",
                   .x_label = "epoch",
                   .y_label = "weight rows that the scale guard met",
                   .note = mean + "Runs whose stages before the boundary learn.",
                   .whole_x = true,
                   .lines = lines_of(all, epoch, of(&record::clips), local)});
  } else {
    page += "<h2>Clips</h2>\n<p class='note'>None: in no epoch of any run did a local step meet the scale guard.</p>\n";
  }
  return page;
}

/// The test accuracy of every finished run, a row for each name.
[[nodiscard]] inline std::string accuracies(const experiment& all) {
  dot_plot p{.title = "Test accuracy",
             .x_label = "test accuracy, %",
             .note = "A dot is one seed, the stroke their mean, the line through the plot the mean of frozen."};
  for (const table_row& row : all.table()) {
    dot_plot::row dots{row.name, {}};
    for (const run_result& run : all.runs) {
      if (run.name == row.name && run.finished()) dots.values.push_back(100 * run.test_accuracy);
    }
    if (row.name == "frozen") p.mark = 100 * row.test;
    p.rows.push_back(std::move(dots));
  }
  return drawn(p);
}

[[nodiscard]] inline std::string html_table(const cells& rows) {
  std::string page = "<div class='wide'><table>\n";
  for (std::size_t r = 0; r < rows.size(); ++r) {
    page += "<tr>";
    for (std::size_t c = 0; c < rows[r].size(); ++c) {
      const std::string tag = r == 0 || c == 0 ? "th" : "td";
      page += '<' + tag + '>' + escaped(rows[r][c]) + "</" + tag + '>';
    }
    page += "</tr>\n";
  }
  return page + "</table></div>\n";
}

[[nodiscard]] inline std::string facts(const experiment& all) {
  std::string page = "<h2>How it was run</h2>\n<div class='wide'><table class='facts'>\n";
  const auto fact = [&page](std::string_view name, std::string_view value) {
    page += "<tr><th>" + escaped(name) + "</th><td>" + escaped(value) + "</td></tr>\n";
  };
  fact("localis", version() + (all.computer.commit.empty() ? "" : ", commit " + all.computer.commit));
  fact("processor", all.computer.processor + ", threads " + std::to_string(all.network.threads));
  fact("system", all.computer.system);
  fact("build", all.computer.compiler + ", " + all.computer.build + "; Eigen: " + all.network.instructions);
  fact("pictures", all.data + ": " + grouped(all.train) + " to train with, " + grouped(all.validation) +
                       " to validate, " + grouped(all.test) + " to test, the last looked at once per run");
  std::string stages = std::to_string(all.network.stages) + " stages with";
  for (const double share : all.shares) stages += ' ' + percent(share, 1) + " %";
  fact("network", stages + " of the products; highest boundary " + std::to_string(all.network.highest_boundary));
  const auto chosen = settings_json(all.chosen);
  for (const auto& option : chosen.items()) {
    fact("--" + option.key(), option.value().is_null() ? "left to the run" : option.value().dump());
  }
  return page + "</table></div>\n";
}

}  // namespace detail

[[nodiscard]] inline std::string report_html(const experiment& all) {
  const std::vector<table_row> rows = all.table();
  std::string page =
      "<!DOCTYPE html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n"
      "<meta name='viewport' content='width=device-width, initial-scale=1'>\n<title>localis: runs side by "
      "side</title>\n"
      "<style>\n" +
      plot_style() +
      "body{margin:2rem auto;padding:0 1rem;max-width:60rem;background:var(--page);color:var(--text);"
      "font:16px/1.5 system-ui,sans-serif}\n"
      "h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2.2rem 0 .2rem}figure{margin:0}\n"
      ".note{color:var(--soft);font-size:.9rem;margin:.2rem 0 .6rem}.warning{border-left:4px solid "
      "var(--line-2);padding-left:.8rem}\n"
      ".wide{overflow-x:auto}table{border-collapse:collapse;font-size:.87rem;font-variant-numeric:tabular-nums}\n"
      "th,td{padding:.22rem .5rem;text-align:right;border-bottom:1px solid var(--grid);white-space:nowrap}\n"
      "th{font-weight:600}th:first-child,.facts td{text-align:left}.wide table{min-width:75%}\n"
      ".facts th{font-weight:400;color:var(--soft)}.facts td{white-space:normal}\n"
      "</style>\n</head>\n<body>\n<h1>Gradient descent, freezing and localized learning side by side</h1>\n";
  page += "<p class='note'>" + escaped(all.data) + ", " + grouped(all.train) + " training pictures, seeds ";
  std::vector<std::string> seeds;
  for (const std::uint64_t seed : all.chosen.seeds) seeds.push_back(std::to_string(seed));
  page += joined(seeds, ", ") + ", " + std::to_string(all.chosen.epochs) + " epochs of batches of " +
          std::to_string(all.chosen.batch) + "</p>\n";
  if (!all.data_note.empty()) page += "<p class='warning'>" + escaped(all.data_note) + "</p>\n";
  if (all.ending != "finished") {
    page += "<p class='warning'>Not all runs are done: " +
            escaped(all.message.empty() ? "the program is still running" : all.message) +
            ". The plots show all epochs so far, the table finished runs only.</p>\n";
  }
  if (!rows.empty()) page += detail::html_table(all.results());
  for (const std::string& verdict : all.verdicts()) page += "<p>" + escaped(verdict) + "</p>\n";
  if (!rows.empty()) {
    page += detail::html_table(memory_cells(rows)) + "<p class='note'>";
    for (const std::string_view note : all.notes()) page += escaped(note) + ' ';
    page += "</p>\n";
  }
  if (all.chosen.of.of_rules) page += detail::accuracies(all);
  page += detail::plots(all) + detail::facts(all);
  return page + "</body>\n</html>\n";
}

}  // namespace examples
