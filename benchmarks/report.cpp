// Writes tables and a page with the measurements of the benchmarks in one folder.
//
//   report FOLDER    reads layer.*.json, rule.*.json, step.*.json, distributed.*.json, torch_*.json and onednn_*.json,
//                    memory.json and compile_time.json;
//                    prints tables, writes FOLDER/report.html and FOLDER/results.json
//
// A figure is the median over the rounds; a ratio is that of two medians of the same rounds. "vs torch" is the time of
// PyTorch divided by ours; "by CPU" likewise, in processor time, which a busy machine changes less; "vs bfloat16" in
// time against PyTorch in bfloat16, while localis computes in float; "vs oneDNN" likewise against oneDNN in float.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lab/report/dot_plot.hpp"
#include "lab/report/format.hpp"
#include "lab/report/plot.hpp"
#include "lab/report/run_program.hpp"
#include <nlohmann/json.hpp>

#include <localis/core/error.hpp>
#include <localis/core/file.hpp>
#include <localis/core/finite.hpp>
#include <localis/io/replace_file.hpp>

namespace {

using examples::fixed;
using nlohmann::json;
using table = std::vector<std::vector<std::string>>;
constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

// ---- measurements ---------------------------------------------------------------------------------------------------

/// By name of a benchmark and of one of its figures: the value of each round.
using figures_of_rounds = std::map<std::string, std::map<std::string, std::vector<double>>>;

struct measurements {
  std::map<std::string, figures_of_rounds> by_question;  ///< "step", "torch_step", ...
  std::vector<std::string> order;                        ///< of names, as first met
  std::string machine;
  std::string torch = "no torch";
  double fma_peak = nothing;
  double memory_bandwidth = nothing;
  std::map<std::string, table> tables;  ///< memory, compile_time
  std::size_t rounds_run = 0;
};

double median(std::vector<double> values) {
  if (values.empty()) return nothing;
  std::sort(values.begin(), values.end());
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

json read_json(const std::filesystem::path& path) {
  std::ifstream file(path);
  json found = json::parse(file, nullptr, false);
  if (found.is_discarded() || !found.is_object()) {
    throw localis::data_error(localis::text(path.string(), ": expected an object of JSON, found ",
                                            localis::detail::found_kind(path, "something else", "JSON")));
  }
  return found;
}

void add_benchmarks(const json& results, const std::string& question, measurements& all) {
  const json& context = results.at("context");
  if (context.contains("machine")) all.machine = context["machine"].get<std::string>();
  if (context.contains("torch")) all.torch = "torch " + context["torch"].get<std::string>();
  const auto best = [&](const char* what, double& largest) {
    if (!context.contains(what)) return;
    const std::string digits = context[what].get<std::string>();
    double value = nothing;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);  // in every locale
    largest = localis::is_nan(largest) ? value : std::max(largest, value);
  };
  best("fma_peak", all.fma_peak);
  best("memory_bandwidth", all.memory_bandwidth);
  for (const json& one : results.at("benchmarks")) {
    if (one.value("run_type", "iteration") != "iteration" || one.contains("error_occurred")) continue;
    std::string name = one.at("name").get<std::string>();
    for (const char* told : {"/iterations:", "/process_time", "/real_time", "/manual_time"}) {
      if (const auto position = name.find(told); position != std::string::npos) name.resize(position);
    }
    auto& figures = all.by_question[question][name];
    if (std::find(all.order.begin(), all.order.end(), name) == all.order.end()) all.order.push_back(name);
    const std::string unit = one.at("time_unit").get<std::string>();
    const double scale = unit == "ns" ? 1e-6 : unit == "us" ? 1e-3 : unit == "ms" ? 1 : 1e3;
    figures["ms"].push_back(one.at("real_time").get<double>() * scale);
    if (one.contains("cpu_time")) figures["cpu_ms"].push_back(one["cpu_time"].get<double>() * scale);
    for (const auto& item : one.items()) {
      if (item.value().is_number()) figures[item.key()].push_back(item.value().get<double>());
    }
    all.rounds_run = std::max(all.rounds_run, figures["ms"].size());
  }
}

measurements read_folder(const std::filesystem::path& folder) {
  if (!std::filesystem::is_directory(folder)) {
    throw localis::config_error(localis::text("expected a folder of results, found ", folder.string()));
  }
  measurements all;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".json" && entry.path().filename() != "results.json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const auto& path : files) {
    const json found = read_json(path);
    const std::string file = path.filename().string();
    const std::string question = file.substr(0, file.find('.'));
    try {
      if (found.contains("table")) {
        all.tables[question] = found["table"].get<table>();
      } else {
        add_benchmarks(found, question, all);
      }
    } catch (const json::exception& e) {
      throw localis::data_error(localis::text(path.string(), ": ", e.what()));
    }
  }
  if (all.order.empty() && all.tables.empty()) {
    throw localis::config_error(localis::text("expected results in ", folder.string(), ", found none"));
  }
  return all;
}

// ---- tables ---------------------------------------------------------------------------------------------------------

class view {
 public:
  view(const measurements& all, const std::string& question) : all_(all), question_(question) {}

  [[nodiscard]] double value(const std::string& name, const char* figure) const {
    return look(question_, name, figure);
  }
  [[nodiscard]] double torch(const std::string& name, const char* figure = "ms") const {
    return look("torch_" + question_, name, figure);
  }
  [[nodiscard]] double ms(const std::string& name) const { return value(name, "ms"); }
  /// The speed-up over PyTorch, in time or in processor time ("cpu_ms").
  [[nodiscard]] double against_torch(const std::string& name, const char* figure = "ms") const {
    return torch(name, figure) / value(name, figure);
  }
  /// The speed-up over oneDNN, called without a framework.
  [[nodiscard]] double against_onednn(const std::string& name) const {
    return look("onednn_" + question_, name, "ms") / ms(name);
  }
  [[nodiscard]] double against_bfloat16(const std::string& name) const { return torch(name + ":bfloat16") / ms(name); }

  /// Names in the order in which they were measured.
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> result;
    const auto found = all_.by_question.find(question_);
    if (found == all_.by_question.end()) return result;
    for (const std::string& name : all_.order) {
      if (found->second.contains(name)) result.push_back(name);
    }
    return result;
  }

 private:
  [[nodiscard]] double look(const std::string& question, const std::string& name, const char* figure) const {
    const auto rounds = all_.by_question.find(question);
    if (rounds == all_.by_question.end()) return nothing;
    const auto figures = rounds->second.find(name);
    if (figures == rounds->second.end()) return nothing;
    const auto values = figures->second.find(figure);
    return values == figures->second.end() ? nothing : median(values->second);
  }

  const measurements& all_;
  std::string question_;
};

std::string part_of(const std::string& name, std::size_t number) {
  std::size_t begin = 0;
  for (; number > 0; --number) begin = std::min(name.find('/', begin), name.size() - 1) + 1;
  return name.substr(begin, name.find('/', begin) - begin);
}

/// First parts of names, each once.
std::vector<std::string> firsts(const std::vector<std::string>& names, std::size_t part = 0) {
  std::vector<std::string> result;
  for (const std::string& name : names) {
    const std::string first = part_of(name, part);
    if (std::find(result.begin(), result.end(), first) == result.end()) result.push_back(first);
  }
  return result;
}

/// The table of whole steps at one batch on all threads: SGD against PyTorch, and the speed-ups of freezing and local
/// learning.
table step_table(const measurements& all) {
  const view steps(all, "step");
  table rows{{"step", "sgd images/s", "torch images/s", "vs torch", "by CPU", "vs bfloat16", "T", "frozen", "localized",
              "by products"}};
  for (const std::string& network : firsts(steps.names())) {
    std::string sgd;
    for (const std::string& name : steps.names()) {
      if (part_of(name, 0) != network) continue;
      if (part_of(name, 3) != (network == "resnet50" ? "batch:16" : "batch:128")) continue;
      if (part_of(name, 1) == "sgd" && sgd.empty()) {
        sgd = name;
        rows.push_back({network, fixed(steps.value(name, "items_per_second"), 0),
                        fixed(steps.torch(name, "items_per_second"), 0), fixed(steps.against_torch(name), 2),
                        fixed(steps.against_torch(name, "cpu_ms"), 2), fixed(steps.against_bfloat16(name), 2), "0", "",
                        "", ""});
      }
      if (part_of(name, 1) != "frozen") continue;
      std::string local = name;
      local.replace(local.find("frozen"), 6, "localized");
      const auto faster = [&](const std::string& than, const char* figure) {
        return fixed(steps.value(sgd, figure) / steps.value(than, figure), 2);
      };
      rows.push_back({"", "", "", "", "", "", part_of(name, 2).substr(2), faster(name, "ms") + " x",
                      faster(local, "ms") + " x", faster(name, "products") + ", " + faster(local, "products")});
    }
  }
  return rows;
}

table scaling_table(const measurements& all) {
  const view steps(all, "step");
  table rows{{"sgd", "batch", "threads", "images/s", "torch images/s", "vs torch"}};
  for (const std::string& network : firsts(steps.names())) {
    std::vector<std::string> names;
    for (const std::string& name : steps.names()) {
      if (part_of(name, 0) == network && part_of(name, 1) == "sgd") names.push_back(name);
    }
    if (names.size() < 2) continue;
    for (const std::string& name : names) {
      rows.push_back({network, part_of(name, 3).substr(6), part_of(name, 4).substr(8),
                      fixed(steps.value(name, "items_per_second"), 0), fixed(steps.torch(name, "items_per_second"), 0),
                      fixed(steps.against_torch(name), 2)});
    }
  }
  return rows;
}

table layer_table(const measurements& all) {
  const view layers(all, "layer");
  table rows{{"layer", "forward GFLOP/s", "of peak", "of gemm", "vs torch", "hebb / forward", "vs torch",
              "oja / forward", "vs torch", "backward GFLOP/s", "vs torch"}};
  for (const std::string& shape : firsts(layers.names())) {
    const std::string forward = shape + "/forward";
    const auto rate = [&](const char* what) { return layers.value(shape + what, "GFLOP/s"); };
    const auto slower = [&](const char* what) { return fixed(layers.ms(shape + what) / layers.ms(forward), 2); };
    const auto torch = [&](const char* what) { return fixed(layers.against_torch(shape + what), 2); };
    rows.push_back({shape, fixed(rate("/forward"), 0), fixed(rate("/forward") / all.fma_peak, 2),
                    fixed(rate("/forward") / rate("/gemm"), 2), torch("/forward"), slower("/hebb"), torch("/hebb"),
                    slower("/oja"), torch("/oja"), fixed(rate("/backward"), 0), torch("/backward")});
  }
  return rows;
}

/// The table of the ways to compute convolutions: the speed of each, and its speed-up over PyTorch.
table convolution_table(const measurements& all) {
  const view layers(all, "layer");
  table rows{{"convolution", "pass", "fast GFLOP/s", "of peak", "vs torch", "by CPU", "vs bfloat16",
              "small_error GFLOP/s", "vs torch", "direct GFLOP/s", "vs torch", "fast vs oneDNN"}};
  const auto rate = [&](const std::string& name) { return fixed(layers.value(name, "GFLOP/s"), 0); };
  for (const std::string& shape : firsts(layers.names())) {
    for (const char* pass : {"forward", "oja", "backward"}) {
      const std::string name = shape + '/' + pass;
      if (!localis::is_finite(layers.ms(name + ":direct"))) continue;
      const double torch = layers.torch(name);
      const auto other = [&](const char* way) { return fixed(torch / layers.ms(name + way), 2); };
      rows.push_back({shape, pass, rate(name), fixed(layers.value(name, "GFLOP/s") / all.fma_peak, 2),
                      fixed(layers.against_torch(name), 2), fixed(layers.against_torch(name, "cpu_ms"), 2),
                      fixed(layers.against_bfloat16(name), 2), rate(name + ":small_error"), other(":small_error"),
                      rate(name + ":direct"), other(":direct"), fixed(layers.against_onednn(name), 2)});
    }
  }
  return rows;
}

/// The table of rules: the time of the pass that learns, divided by that of oja for the same shape; oja itself in
/// GFLOP/s.
table rule_table(const measurements& all) {
  const view rules(all, "rule");
  const std::vector<std::string> shapes = firsts(rules.names(), 1);
  table rows{{"rule: time / oja's"}};
  std::vector<std::string> oja{"oja, GFLOP/s"};
  std::vector<std::string> peak{"oja, of peak"};
  for (const std::string& shape : shapes) {
    rows[0].push_back(shape);
    oja.push_back(fixed(rules.value("oja/" + shape, "GFLOP/s"), 0));
    peak.push_back(fixed(rules.value("oja/" + shape, "of_peak"), 2));
  }
  rows.push_back(oja);
  rows.push_back(peak);
  for (const std::string& rule : firsts(rules.names())) {
    std::vector<std::string> row{rule};
    std::vector<std::string> torch{rule + ", vs torch"};
    bool peer = false;
    for (const std::string& shape : shapes) {
      const std::string name = rule + '/' + shape;
      row.push_back(fixed(rules.ms(name) / rules.ms("oja/" + shape), 2));
      torch.push_back(fixed(rules.against_torch(name), 2));
      peer = peer || localis::is_finite(rules.torch(name));
    }
    rows.push_back(row);
    if (peer) rows.push_back(torch);
  }
  return rows;
}

// ---- tables of ranks ------------------------------------------------------------------------------------------------

/// The speed of gradient descent on several ranks, and of DistributedDataParallel, which normalizes each rank's part by
/// its own moments as the column "own moments" does.
table ranks_table(const measurements& all) {
  const view steps(all, "distributed");
  table rows{{"sgd", "batch", "ranks", "threads of each", "images/s", "own moments", "speed-up", "torch images/s",
              "torch speed-up", "vs torch"}};
  const char* const rate = "items_per_second";
  for (const std::string& network : firsts(steps.names())) {
    std::string alone;  // one rank with one thread
    for (const std::string& name : steps.names()) {
      if (part_of(name, 0) != network || part_of(name, 1).rfind("batch:", 0) != 0) continue;
      if (alone.empty()) alone = name;
      const double own = steps.value(name, "own_items_per_second");
      const double alike = localis::is_finite(own) ? own : steps.value(name, rate);
      rows.push_back({network, part_of(name, 1).substr(6), part_of(name, 2).substr(6), part_of(name, 3).substr(8),
                      fixed(steps.value(name, rate), 0), fixed(own, 0),
                      fixed(steps.value(name, rate) / steps.value(alone, rate), 2), fixed(steps.torch(name, rate), 0),
                      fixed(steps.torch(name, rate) / steps.torch(alone, rate), 2),
                      fixed(alike / steps.torch(name, rate), 2)});
    }
  }
  return rows;
}

/// Steps over links: their time, that of the ranks' own parts without any exchange, and the bytes that a rank sends.
table link_table(const measurements& all) {
  const view steps(all, "distributed");
  table rows{{"network", "link", "run", "T", "ms", "without exchange", "exposed ms", "kB sent", "kB predicted"}};
  for (const std::string& network : firsts(steps.names())) {
    for (const std::string& name : steps.names()) {
      if (part_of(name, 0) != network || part_of(name, 1).rfind("link:", 0) != 0) continue;
      const double own = steps.value(name, "own_ms");
      rows.push_back({network, part_of(name, 1).substr(5), part_of(name, 2), part_of(name, 3).substr(2),
                      fixed(steps.ms(name), 2), fixed(own, 2), fixed(steps.ms(name) - own, 2),
                      fixed(steps.value(name, "sent_bytes") / 1000, 1),
                      fixed(steps.value(name, "predicted_bytes") / 1000, 1)});
    }
  }
  return rows;
}

/// Accuracies by what the ranks exchange: means over the seeds with their standard errors, and differences to the run
/// that exchanges in every step, paired by seeds.
table accuracy_table(const measurements& all) {
  table rows{{"pictures", "run", "seeds", "test %", "minus every step"}};
  const auto question = all.by_question.find("distributed");
  if (question == all.by_question.end()) return rows;
  const auto accuracies = [&](const std::string& name) {
    const auto found = question->second.find(name);
    return found == question->second.end() ? std::vector<double>() : found->second.at("accuracy");
  };
  const auto mean_and_error = [](const std::vector<double>& values) {
    const auto count = static_cast<double>(values.size());
    double mean = 0;
    for (const double value : values) mean += value / count;
    double squares = 0;
    for (const double value : values) squares += (value - mean) * (value - mean);
    return examples::percent(mean) + " +- " + examples::percent(std::sqrt(squares / (count - 1) / count));
  };
  for (const std::string& name : view(all, "distributed").names()) {
    if (part_of(name, 1) != "accuracy") continue;
    const std::vector<double> tests = accuracies(name);
    const std::vector<double> exact = accuracies(name.substr(0, name.find(',')));
    std::vector<double> gains;
    for (std::size_t i = 0; i < std::min(tests.size(), exact.size()); ++i) gains.push_back(tests[i] - exact[i]);
    rows.push_back({part_of(name, 0), part_of(name, 2), std::to_string(tests.size()), mean_and_error(tests),
                    name.find(',') == std::string::npos ? "" : mean_and_error(gains)});
  }
  return rows;
}

// ---- page -----------------------------------------------------------------------------------------------------------

std::string html_table(const table& rows) {
  std::string page = "<div class='wide'><table>\n";
  for (std::size_t r = 0; r < rows.size(); ++r) {
    page += "<tr>";
    for (std::size_t c = 0; c < rows[r].size(); ++c) {
      const std::string tag = r == 0 || c == 0 ? "th" : "td";
      page += '<' + tag + '>' + examples::escaped(rows[r][c]) + "</" + tag + '>';
    }
    page += "</tr>\n";
  }
  return page + "</table></div>\n";
}

/// Plots GFLOP/s against FLOP per byte, with the limits of memory and registers.
std::string roofline(const measurements& all) {
  const view layers(all, "layer");
  const std::vector<std::string> names = layers.names();
  if (names.empty()) return "";
  examples::plot page{.title = "Roofline",
                      .x_label = "FLOP / byte, every array read or written once",
                      .y_label = "GFLOP/s",
                      .note =
                          "Each point is a shape. The roof: bytes at the bandwidth of memory, then multiply-adds "
                          "in registers. Small arrays stay in the caches and may lie above its slope.",
                      .powers_x = true,
                      .lines = {}};
  double smallest = std::numeric_limits<double>::infinity();
  double largest = -smallest;
  constexpr std::size_t styles[] = {1, 2, 3, 8, 6};  // markers that differ without their lines
  std::size_t kind = 0;
  for (const std::string& what : firsts(names, 1)) {
    if (what.find(':') != std::string::npos) continue;  // another way to compute the same
    examples::line points{.name = what, .style = styles[kind++ % std::size(styles)], .x = {}, .y = {}};
    for (const std::string& name : names) {
      if (part_of(name, 1) != what) continue;
      const double rate = layers.value(name, "GFLOP/s");
      const double intensity = std::log2(rate * 1e6 * layers.ms(name) / layers.value(name, "bytes"));
      smallest = std::min(smallest, intensity);
      largest = std::max(largest, intensity);
      for (const double gap : {0.0, nothing}) {  // no stroke from point to point
        points.x.push_back(intensity + gap);
        points.y.push_back(rate);
      }
    }
    page.lines.push_back(points);
  }
  examples::line roof{.name = "roof", .style = 0, .x = {}, .y = {}};
  const double ridge = std::log2(all.fma_peak / all.memory_bandwidth);
  for (double x = std::floor(smallest); x < ridge; x += 0.25) {
    roof.x.push_back(x);
    roof.y.push_back(all.memory_bandwidth * std::exp2(x));
  }
  for (const double x : {ridge, std::max(ridge, largest)}) {
    roof.x.push_back(x);
    roof.y.push_back(all.fma_peak);
  }
  page.lines.insert(page.lines.begin(), roof);
  return examples::drawn(page);
}

/// Plots PyTorch's time divided by ours in every round.
std::string ratios(const measurements& all, const std::string& question, const char* title) {
  const auto own_figures = all.by_question.find(question);
  const auto torch_figures = all.by_question.find("torch_" + question);
  if (own_figures == all.by_question.end() || torch_figures == all.by_question.end()) return "";
  examples::dot_plot page{.title = title,
                          .x_label = "time of PyTorch / time of localis",
                          .note = "A dot is one round, the stroke their mean; beyond the line localis is faster.",
                          .rows = {},
                          .mark = 1};
  for (const std::string& name : view(all, question).names()) {
    const auto peer = torch_figures->second.find(name);
    if (peer == torch_figures->second.end()) continue;
    std::string label = name;  // without what is the same for all
    if (const auto position = label.find("/sgd/T:0"); position != std::string::npos) label.erase(position, 8);
    examples::dot_plot::row row{label, {}};
    const std::vector<double>& own_times = own_figures->second.at(name).at("ms");
    const std::vector<double>& torch_times = peer->second.at("ms");
    for (std::size_t i = 0; i < std::min(own_times.size(), torch_times.size()); ++i)
      row.values.push_back(torch_times[i] / own_times[i]);
    page.rows.push_back(row);
  }
  return page.rows.empty() ? "" : examples::drawn(page);
}

struct section {
  const char* title;
  table rows;
};

void write_page(const measurements& all, const std::vector<section>& sections, const std::filesystem::path& path) {
  examples::text_stream page;
  page << "<!DOCTYPE html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n<meta name='viewport' "
          "content='width=device-width, initial-scale=1'>\n<title>localis: benchmarks</title>\n<style>\n"
       << examples::plot_style()
       << "body{margin:2rem auto;padding:0 1rem;max-width:64rem;background:var(--page);color:var(--text);"
          "font:16px/1.5 system-ui,sans-serif}\nh1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2.2rem 0 "
          ".2rem}figure{margin:0}\n.note{color:var(--soft);font-size:.9rem;margin:.2rem 0 .6rem}\n"
          ".wide{overflow-x:auto}table{border-collapse:collapse;font-size:.87rem;font-variant-numeric:tabular-nums}\n"
          "th,td{padding:.22rem .5rem;text-align:right;border-bottom:1px solid var(--grid);white-space:nowrap}\n"
          "th{font-weight:600}th:first-child{text-align:left}\n</style>\n</head>\n<body>\n<h1>What localis costs</h1>\n"
       << "<p class='note'>" << examples::escaped(all.machine) << "; " << examples::escaped(all.torch) << "; rounds "
       << all.rounds_run << "; FMA peak " << fixed(all.fma_peak, 0) << " GFLOP/s, memory "
       << fixed(all.memory_bandwidth, 0) << " GB/s</p>\n";
  for (const section& one : sections) {
    page << "<h2>" << examples::escaped(one.title) << "</h2>\n" << html_table(one.rows);
  }
  page << ratios(all, "step", "Training steps against PyTorch") << ratios(all, "layer", "Layers against PyTorch")
       << ratios(all, "rule", "Rules against PyTorch") << roofline(all) << "</body>\n</html>\n";
  localis::io::replace_file(path, page.str());
}

void write_results(const measurements& all, const std::filesystem::path& path) {
  json result{{"machine", all.machine},
              {"torch", all.torch},
              {"rounds", all.rounds_run},
              {"fma_peak_gflops", all.fma_peak},
              {"memory_bandwidth_gb_per_s", all.memory_bandwidth}};
  for (const auto& [question, names] : all.by_question) {
    for (const auto& [name, figures] : names) {
      for (const auto& [figure, values] : figures) result[question][name][figure] = median(values);
    }
  }
  for (const auto& [question, rows] : all.tables) result[question] = rows;
  localis::io::replace_file(path, result.dump(1) + '\n');
}

}  // namespace

int main(int count, char** arguments) {
  return examples::run_program("report", "Tables of what the benchmarks of a folder measured.", [&](CLI::App& app) {
    std::string folder;
    app.add_option("FOLDER", folder, "Holds the benchmarks' results")->required();
    app.parse(count, arguments);
    const measurements all = read_folder(folder);
    std::vector<section> sections;
    const auto add = [&](const char* title, table rows) {
      if (rows.size() > 1) sections.push_back({title, std::move(rows)});
    };
    add("Training steps", step_table(all));
    add("Batches and threads", scaling_table(all));
    add("Layers", layer_table(all));
    add("Convolutions", convolution_table(all));
    add("Rules", rule_table(all).size() > 3 ? rule_table(all) : table{});
    add("Images per second of several ranks", ranks_table(all));
    add("Steps over a link", link_table(all));
    add("Accuracy of several ranks", accuracy_table(all));
    for (const auto& [question, rows] : all.tables) add(question == "memory" ? "Memory" : "Compile time", rows);
    std::cout << all.machine << "; " << all.torch << "; rounds " << all.rounds_run << "; FMA peak "
              << fixed(all.fma_peak, 0) << " GFLOP/s\n";
    for (const section& one : sections) std::cout << '\n' << examples::text_table(one.rows);
    std::cout << std::flush;
    write_page(all, sections, std::filesystem::path(folder) / "report.html");
    write_results(all, std::filesystem::path(folder) / "results.json");
    return 0;
  });
}
