#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../comparison.hpp"
#include "../experiment.hpp"
#include "confusion_table.hpp"
#include "dot_plot.hpp"
#include "format.hpp"
#include "frontier_section.hpp"
#include "html_table.hpp"
#include "plot.hpp"
#include "report_json.hpp"

#include <localis/core/finite.hpp>
#include <localis/model/confusion_matrix.hpp>
#include <localis/train/report.hpp>

/// Writes report.html, one page without scripts or other files.
namespace examples {

namespace detail {

/// A value of one epoch of a run, at place `e`.
using epoch_value = std::function<double(const localis::report&, std::size_t e)>;

[[nodiscard]] inline double mean_finite(const std::vector<double>& values) {
  std::vector<double> finite;
  for (const double value : values) {
    if (localis::is_finite(value)) finite.push_back(value);
  }
  return mean_of(finite);
}

/// The mean, for each epoch, over the runs of a name that reached it, and a band from the smallest to the largest value
/// if there are several.
[[nodiscard]] inline line mean_line(const std::vector<run_result>& runs, const std::string& name, const epoch_value& x,
                                    const epoch_value& y) {
  line l;
  l.name = name;
  std::size_t epochs = 0;
  std::size_t seeds = 0;
  for (const run_result& run : runs) {
    if (run.name == name) ++seeds;
    if (run.name == name) epochs = std::max(epochs, run.report.epochs.size());
  }
  for (std::size_t e = 0; e < epochs; ++e) {
    std::vector<double> xs;
    std::vector<double> ys;
    for (const run_result& run : runs) {
      if (run.name != name || run.report.epochs.size() <= e) continue;
      xs.push_back(x(run.report, e));
      ys.push_back(y(run.report, e));
    }
    l.x.push_back(mean_finite(xs));
    l.y.push_back(mean_finite(ys));
    if (seeds < 2) continue;
    std::erase_if(ys, [](double value) { return !localis::is_finite(value); });
    l.low.push_back(ys.empty() ? no_number : *std::min_element(ys.begin(), ys.end()));
    l.high.push_back(ys.empty() ? no_number : *std::max_element(ys.begin(), ys.end()));
  }
  return l;
}

/// The lines of a plot, one for each kind of run that `wanted` accepts.
[[nodiscard]] inline std::vector<line> lines_of(const experiment& all, const epoch_value& x, const epoch_value& y,
                                                const std::function<bool(const run_result&)>& wanted) {
  std::vector<line> lines;
  for (const run_kind& kind : all.chosen.comparison.kinds) {
    const std::string name(kind.name);
    const bool any = std::any_of(all.runs.begin(), all.runs.end(),
                                 [&](const run_result& run) { return run.name == name && wanted(run); });
    if (!any) continue;
    lines.push_back(mean_line(all.runs, name, x, y));
    lines.back().style = all.chosen.comparison.style_of(name);
  }
  return lines;
}

/// What a plot shows of several seeds; empty for one.
[[nodiscard]] inline std::string mean_note(const experiment& all) {
  return all.chosen.seeds.size() > 1 ? "Mean over the seeds, in a band between the smallest and the largest. " : "";
}

[[nodiscard]] inline double epoch_number(const localis::report&, std::size_t e) { return static_cast<double>(e + 1); }

/// Values of a run by epoch and stage.
using stage_values = std::vector<double> localis::epoch_record::*;

/// A plot for each kind of run that has such values, with a line for each stage; empty if none has. The plots take
/// their labels from `like`.
[[nodiscard]] inline std::string stage_plots(const experiment& all, const plot& like, stage_values values,
                                             double scale) {
  std::string figures;
  for (const run_kind& kind : all.chosen.comparison.kinds) {
    plot figure = like;
    figure.title = kind.name;
    figure.heading = "h3";
    figure.x_label = "epoch";
    figure.whole_x = true;
    for (std::size_t stage = 0; stage < all.work_fractions.size(); ++stage) {
      line l = mean_line(all.runs, figure.title, epoch_number, [&](const localis::report& r, std::size_t e) {
        const std::vector<double>& stages = r.epochs[e].*values;
        return stage < stages.size() ? scale * stages[stage] : no_number;
      });
      l.name = "stage " + std::to_string(stage);
      l.style = stage;
      if (has_points(l)) figure.lines.push_back(std::move(l));
    }
    if (!figure.lines.empty()) figures += drawn(figure);
  }
  return figures;
}

/// Whether a unit of a run was dead at the end of an epoch.
[[nodiscard]] inline bool any_dead(const run_result& run) {
  return std::any_of(run.report.epochs.begin(), run.report.epochs.end(), [](const localis::epoch_record& e) {
    return std::any_of(e.stage_dead_fractions.begin(), e.stage_dead_fractions.end(),
                       [](double fraction) { return fraction > 0; });
  });
}

/// What --diagnose has measured; empty without it.
[[nodiscard]] inline std::string diagnosis(const experiment& all) {
  const std::string batch =
      " on " + grouped(all.chosen.batch) + " training pictures at the end of each epoch, the same in all of them. ";
  const std::string mean = mean_note(all);
  const auto section = [&batch](const std::string& title, const std::string& measured, const std::string& meaning,
                                const std::string& figures) {
    return "<h2>" + title + "</h2>\n<p class='note'>" + measured + batch + meaning + "</p>\n<div class='sheets'>" +
           figures + "</div>\n";
  };
  using record = localis::epoch_record;
  const std::string cosines =
      stage_plots(all, {.y_label = "cosine of local update and gradient step"}, &record::stage_cosines, 1);
  const std::string parts = stage_plots(all, {.y_label = "cosine of the gradients of half a batch and of all"},
                                        &record::stage_part_cosines, 1);
  const std::string dead =
      stage_plots(all, {.y_label = "dead units, %", .zero_y = true}, &record::stage_dead_fractions, 100);
  std::string page;
  if (!cosines.empty()) {
    page +=
        section("Update alignment",
                "The cosine between the local update of a stage's weights and their step of gradient descent,",
                mean +
                    "It is 1 along the gradient step, 0 at a right angle to it, and -1 against it. A stage that learns "
                    "by gradient shows the update that its rule would make.",
                cosines);
  }
  if (!parts.empty()) {
    page += section("What half a batch is worth",
                    "The cosine between the gradient of the first half and that of the whole,",
                    mean +
                        "A step by gradient in every second batch has this cosine, and costs as many products as a "
                        "local rule: a rule that lies below cannot pay.",
                    parts);
  }
  if (!dead.empty()) {
    const bool any = std::any_of(all.runs.begin(), all.runs.end(), any_dead);
    page +=
        section("Dead units",
                "The share of a stage's units (channels) that have the same output at all positions of all pictures,",
                any ? mean + "Such a unit tells the stages behind it nothing." : "None: no unit of any run was dead.",
                any ? dead : "");
  }
  return page;
}

[[nodiscard]] inline std::string plots(const experiment& all) {
  const epoch_value seconds = [](const localis::report& r, std::size_t e) {
    double sum = 0;
    for (std::size_t i = 0; i <= e; ++i) sum += r.epochs[i].seconds;
    return sum;
  };
  const auto value_of = [](auto field) {
    return epoch_value(
        [field](const localis::report& r, std::size_t e) { return static_cast<double>(r.epochs[e].*field); });
  };
  using record = localis::epoch_record;
  const auto any = [](const run_result&) { return true; };
  const auto local = [](const run_result& run) { return run.local; };
  const std::string mean = mean_note(all);

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
                 .lines = lines_of(all, epoch_number, value_of(&record::loss), any)});
  plot boundary{.title = "Boundary",
                .x_label = "epoch",
                .y_label = "boundary T, stages that learn locally or are frozen",
                .note = std::string(all.chosen.seeds.size() > 1 ? "Mean over the seeds. " : "") +
                        "Lines that would lie on each other are drawn a little apart.",
                .steps = true,
                .whole_x = true,
                .whole_y = true,
                .lines = lines_of(all, epoch_number, value_of(&record::boundary), any)};
  for (std::size_t i = 0; i < boundary.lines.size(); ++i) {
    const double offset = 0.035 * (static_cast<double>(i) - 0.5 * static_cast<double>(boundary.lines.size() - 1));
    for (double& value : boundary.lines[i].y) value -= offset;
    boundary.lines[i].low.clear();  // steps have none
    boundary.lines[i].high.clear();
  }
  if (!all.chosen.comparison.of_rules) page += drawn(boundary);  // else it is everybody's
  page +=
      drawn({.title = "Updates of the transition stage",
             .x_label = "epoch",
             .y_label = "mean norm of a step / learning rate",
             .note = mean + "The first stage that learns by gradient; a line jumps where the boundary moves to another "
                            "stage.",
             .whole_x = true,
             .lines = lines_of(all, epoch_number, value_of(&record::update_norm), any)});
  page += diagnosis(all);
  page += drawn(
      {.title = "Memory",
       .x_label = "epoch",
       .y_label = "MB in use at the end of the epoch",
       .note = mean + "10^6 bytes: weights, optimizer and the memory that is planned for " +
               (all.chosen.diagnose ? "all boundaries, as --diagnose needs it."
                                    : "the boundaries of the epoch. It falls where stages come to lie before the "
                                      "boundary for good."),
       .whole_x = true,
       .lines = lines_of(
           all, epoch_number,
           [](const localis::report& r, std::size_t e) { return static_cast<double>(r.epochs[e].bytes) / 1e6; }, any)});
  const bool clipped = std::any_of(all.runs.begin(), all.runs.end(), [](const run_result& run) {
    return std::any_of(run.report.epochs.begin(), run.report.epochs.end(), [](const record& e) { return e.clips > 0; });
  });
  if (clipped) {
    page += drawn({.title = "Clips",
                   .x_label = "epoch",
                   .y_label = "weight rows that the scale guard met",
                   .note = mean + "Runs whose stages before the boundary learn.",
                   .whole_x = true,
                   .lines = lines_of(all, epoch_number, value_of(&record::clips), local)});
  } else {
    page += "<h2>Clips</h2>\n<p class='note'>None: in no epoch of any run did a local step meet the scale guard.</p>\n";
  }
  return page;
}

/// Plots the test accuracy of every finished run, with a row for each name.
[[nodiscard]] inline std::string accuracies(const experiment& all) {
  dot_plot p{
      .title = "Test accuracy", .x_label = "test accuracy, %", .note = "A dot is one seed, the stroke their mean."};
  for (const table_row& row : all.table()) {
    dot_plot::row dots{row.name, {}};
    for (const run_result& run : all.runs) {
      if (run.name == row.name && run.finished()) dots.values.push_back(100 * run.test_accuracy);
    }
    if (row.name == "frozen") {
      p.mark = 100 * row.test;
      p.note = "A dot is one seed, the stroke their mean, the line through the plot the mean of frozen.";
    }
    p.rows.push_back(std::move(dots));
  }
  return drawn(p);
}

/// Plots the difference of every run to sgd from the same seed, and tells its mean and standard error.
[[nodiscard]] inline std::string differences_to_sgd(const std::vector<table_row>& rows) {
  const table_row* sgd = find_row(rows, "sgd");
  if (sgd == nullptr || sgd->seeds == 0) return {};
  dot_plot p{.title = "Difference to sgd from the same seed",
             .x_label = "test accuracy - that of sgd, points",
             .note =
                 "A dot is one seed, the stroke their mean. What seeds have in common, such as the first weights and "
                 "the order of the pictures, is in no difference.",
             .mark = 0};
  cells table{{"run", "points to sgd", "standard error", "seeds"}};
  for (const table_row& row : rows) {
    const paired found = paired_difference(row, *sgd);
    if (&row == sgd || found.values.empty()) continue;
    dot_plot::row dots{row.name, found.values};
    for (double& value : dots.values) value *= 100;
    p.rows.push_back(std::move(dots));
    table.push_back({row.name, percent(found.mean), percent(found.error), std::to_string(found.values.size())});
  }
  return p.rows.empty() ? "" : drawn(p) + html_table(table);
}

/// The confusion matrices of every kind of run, summed over its seeds.
[[nodiscard]] inline std::string confusions(const experiment& all) {
  std::string tables;
  for (const table_row& row : all.table()) {
    localis::confusion_matrix sum;
    for (const run_result& run : all.runs) {
      if (run.name == row.name && run.finished()) sum += run.confusion;
    }
    if (sum.classes() > 0) tables += "<h3>" + escaped(row.name) + "</h3>\n" + confusion_table(sum, all.class_names);
  }
  if (tables.empty()) return tables;
  return "<h2>Which class was taken for which</h2>\n<p class='note'>Test pictures" +
         std::string(all.chosen.seeds.size() > 1 ? ", all seeds together" : "") +
         ". A row is a true class, a column a predicted one; blue is right, orange wrong, the stronger the larger the "
         "share of the class.</p>\n" +
         tables;
}

/// The weights of the first layer in the first run of every kind.
[[nodiscard]] inline std::string filters(const experiment& all) {
  std::string figures;
  for (const table_row& row : all.table()) {
    const auto run = std::find_if(all.runs.begin(), all.runs.end(), [&row](const run_result& one) {
      return one.name == row.name && one.finished() && !one.filters.empty();
    });
    if (run == all.runs.end()) continue;
    figures += "<figure><h3>" + escaped(row.name) + "</h3>\n" + run->filters + "</figure>\n";
  }
  if (figures.empty()) return figures;
  return "<h2>Weights of the first layer</h2>\n<p class='note'>" +
         std::string(all.chosen.seeds.size() > 1 ? "Of the first seed. " : "") +
         "A square is a unit, scaled by its own largest weight; where the pictures are grey, red is positive and blue "
         "negative.</p>\n<div class='sheets'>" +
         figures + "</div>\n";
}

[[nodiscard]] inline std::string facts(const experiment& all) {
  std::string page = "<h2>How it was run</h2>\n<div class='wide'><table class='facts'>\n";
  const auto fact = [&page](std::string_view name, std::string_view value) {
    page += "<tr><th>" + escaped(name) + "</th><td>" + escaped(value) + "</td></tr>\n";
  };
  fact("localis", version() + (all.computer.commit.empty() ? "" : ", commit " + all.computer.commit));
  fact("processor", all.computer.processor + (all.ranks > 1 ? ", ranks " + std::to_string(all.ranks) : "") +
                        ", threads " + std::to_string(all.network.threads));
  fact("system", all.computer.system);
  fact("build", all.computer.compiler + ", " + all.computer.build +
                    "; vector instructions: " + all.network.instructions + "; " + all.network.arithmetic);
  fact("pictures", all.data + ": " + grouped(all.train) + " to train with, " + grouped(all.validation) +
                       " to validate, " + grouped(all.test) + " to test, the last looked at once per run");
  std::string stages = std::string(all.chosen.comparison.network) + ": " + std::to_string(all.network.rows.size()) +
                       " layers, " + std::to_string(all.network.stages) + " stages with";
  for (const double fraction : all.work_fractions) stages += ' ' + percent(fraction, 1) + " %";
  fact("network", stages + " of the products; highest boundary " + std::to_string(all.network.highest_boundary));
  fact("local rule", all.rules().empty() ? "that of the run's name" : joined(all.rules(), ", "));
  const auto chosen = settings_json(all.chosen);
  for (const auto& option : chosen.items()) {
    fact("--" + option.key(), option.value().is_null() ? "left to the run" : option.value().dump());
  }
  return page + "</table></div>\n";
}

}  // namespace detail

/// A page without scripts or other files.
[[nodiscard]] inline std::string html_page(const std::string& title, const std::string& body) {
  return "<!DOCTYPE html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n"
         "<meta name='viewport' content='width=device-width, initial-scale=1'>\n<title>localis: " +
         escaped(title) + "</title>\n<style>\n" + plot_style() +
         "body{margin:2rem auto;padding:0 1rem;max-width:60rem;background:var(--page);color:var(--text);"
         "font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}\n"
         "h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2.2rem 0 .2rem}h3{font-size:1rem;margin:1.2rem 0 "
         ".2rem}figure{margin:0}\n"
         ".note{color:var(--soft);font-size:.9rem;margin:.2rem 0 .6rem}.warning{border-left:4px solid "
         "var(--line-2);padding-left:.8rem}\n"
         ".wide{overflow-x:auto}table{border-collapse:collapse;font-size:.87rem;font-variant-numeric:tabular-nums}\n"
         "th,td{padding:.22rem .5rem;text-align:right;border-bottom:1px solid var(--grid);white-space:nowrap}\n"
         "th{font-weight:600}th:first-child{text-align:left}.wide table{min-width:75%}\n"
         ".facts th{font-weight:400;color:var(--soft)}.facts th,.facts td{white-space:normal;text-align:left}\n"
         ".heat th,.heat td{padding:.15rem .35rem}\n"
         ".heat .name{writing-mode:vertical-rl;transform:rotate(180deg);text-align:left}\n"
         ".sheets{display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(min(22rem,100%),1fr))}\n"
         ".sheets .plot{overflow:visible}.sheets .plot text{font-size:20px}\n"
         ".sheets svg{max-width:100%;height:auto;display:block}\n"
         "</style>\n</head>\n<body>\n<h1>" +
         escaped(title) + "</h1>\n" + body + "</body>\n</html>\n";
}

[[nodiscard]] inline std::string report_html(const experiment& all) {
  const std::vector<table_row> rows = all.table();
  std::string page;
  page += "<p class='note'>" + escaped(all.data) + ", " + grouped(all.train) + " training pictures, seeds ";
  std::vector<std::string> seeds;
  for (const std::uint64_t seed : all.chosen.seeds) seeds.push_back(std::to_string(seed));
  page += joined(seeds, ", ") + ", " + std::to_string(all.chosen.epochs) + " epochs of batches of " +
          std::to_string(all.chosen.batch) + "</p>\n<p class='note'>Network " + escaped(all.chosen.comparison.network) +
          (all.rules().empty() ? ", before the boundary the rule that a run is named after"
                               : ", before the boundary " + escaped(joined(all.rules(), ", "))) +
          "</p>\n";
  if (!all.data_note.empty()) page += "<p class='warning'>" + escaped(all.data_note) + "</p>\n";
  if (!all.machine_note.empty()) page += "<p class='warning'>" + escaped(all.machine_note) + "</p>\n";
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
  page += detail::frontier_section(all);
  if (!rows.empty()) page += detail::accuracies(all) + detail::differences_to_sgd(rows);
  page += detail::plots(all) + detail::confusions(all) + detail::filters(all) + detail::facts(all);
  return html_page("Gradient descent, freezing and localized learning side by side", page);
}

}  // namespace examples
