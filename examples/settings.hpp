#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "format.hpp"
#include <CLI/CLI.hpp>

#include <localis/core/error.hpp>
#include <localis/layer/operation.hpp>
#include <localis/learning_rate/cosine.hpp>
#include <localis/learning_rate/warm_up.hpp>
#include <localis/optimizer/sgd.hpp>
#include <localis/scheduler/dynamic.hpp>
#include <localis/scheduler/linear.hpp>
#include <localis/supervision/loss_gain.hpp>

namespace examples {

/// A run of the comparison, in the order in which they are done.
struct run_kind {
  std::string_view name;
  bool usual = true;           ///< done unless --only says otherwise
  bool after_dynamic = false;  ///< needs what `localized dynamic` came to
};
inline constexpr std::array<run_kind, 9> run_kinds{{
    {"sgd"},
    {"localized static"},
    {"localized dynamic"},
    {"interleaved"},
    {"frozen static"},
    {"frozen static (batch)", false},
    {"frozen replay", true, true},
    {"frozen replay (batch)", false, true},
    {"sgd short", true, true},
}};

/// "frozen static (batch)" as it is typed: frozen-static-batch.
[[nodiscard]] inline std::string typed_name(std::string_view name) {
  std::string result;
  for (const char letter : name) {
    if (letter == '(' || letter == ')') continue;
    result += letter == ' ' ? '-' : letter;
  }
  return result;
}

/// All that can be chosen; see `train --help`.
struct settings {
  bool quick = false;
  bool digits = false;
  bool all_frozen = false;
  std::vector<std::string> runs;  ///< names, in the order of run_kinds
  bool dynamic_added = false;     ///< not asked for, but needed
  std::vector<std::uint64_t> seeds{1};

  std::filesystem::path data = "/usr/share/datasets/fashion-mnist";
  bool data_given = false;
  std::filesystem::path out;  ///< empty: a fresh folder
  std::size_t validation = 5000;
  bool validation_given = false;
  std::size_t pictures = 0;       ///< for training; 0: all
  std::size_t test_pictures = 0;  ///< 0: all

  // Rates and the dynamic boundary's values are those that did best on the validation split among a few that were
  // tried.
  std::size_t epochs = 5;
  std::optional<std::size_t> short_epochs;
  std::size_t batch = 64;
  std::size_t threads = 0;
  localis::learning_rate::warm_up<localis::learning_rate::cosine> learning_rate{
      .base = {.rate = 0.05}, .epochs = 0.5, .from = 0.1};
  localis::optimizer::sgd optimizer{.momentum = 0.9, .weight_decay = 5e-4};
  double local_rate = 1e-6;
  localis::prefix_normalization normalization = localis::prefix_normalization::running;

  localis::scheduler::linear linear;
  localis::scheduler::dynamic dynamic{.alpha = 1.2, .shift = 2};
  localis::supervision::loss_gain gain;
  std::size_t every = 4;
  double prefix_rate = 1;

  [[nodiscard]] bool wants(std::string_view run) const {
    return std::find(runs.begin(), runs.end(), run) != runs.end();
  }
};

namespace detail {

[[nodiscard]] inline std::vector<std::string> parts_of(const std::string& list) {
  std::vector<std::string> parts(1);
  for (const char letter : list) {
    if (letter == ',') {
      parts.emplace_back();
    } else {
      parts.back() += letter;
    }
  }
  return parts;
}

[[nodiscard]] inline std::vector<std::uint64_t> parse_seeds(const std::string& list) {
  std::vector<std::uint64_t> seeds;
  for (const std::string& part : parts_of(list)) {
    std::uint64_t seed = 0;
    const auto end = std::from_chars(part.data(), part.data() + part.size(), seed);
    localis::expect(end.ec == std::errc{} && end.ptr == part.data() + part.size(), "--seeds",
                    "whole numbers of at least 0 with commas between them", '\'' + list + '\'');
    localis::expect(std::find(seeds.begin(), seeds.end(), seed) == seeds.end(), "--seeds", "each seed once",
                    '\'' + list + '\'');
    seeds.push_back(seed);
  }
  return seeds;
}

/// What is wrong with the text of a count; empty if nothing is.
[[nodiscard]] inline std::string whole_number(const std::string& text) {
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  return digits ? "" : "expected a whole number of at least 0, found " + text;
}

/// Fills in the runs of --only, or the usual ones, in the order in which they are done, and those that they need.
inline void choose_runs(settings& s, const std::string& only) {
  std::vector<std::string> known;
  for (const run_kind& kind : run_kinds) known.push_back(typed_name(kind.name));
  std::vector<std::string> asked;
  if (!only.empty()) asked = parts_of(only);
  for (std::string& name : asked) {
    name = typed_name(name);
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw localis::config_error(
          localis::text("--only: expected runs out of ", joined(known, ", "), "; found '", name, '\''));
    }
  }
  const auto chosen = [&](const run_kind& kind) {
    const bool frozen = kind.name.substr(0, 6) == "frozen";
    return (asked.empty() && kind.usual) || (s.all_frozen && frozen) ||
           std::find(asked.begin(), asked.end(), typed_name(kind.name)) != asked.end();
  };
  const bool needs_dynamic = std::any_of(run_kinds.begin(), run_kinds.end(), [&](const run_kind& kind) {
    return kind.after_dynamic && chosen(kind) && !(kind.name == "sgd short" && s.short_epochs);
  });
  for (const run_kind& kind : run_kinds) {
    const bool added = needs_dynamic && kind.name == "localized dynamic" && !chosen(kind);
    if (added || chosen(kind)) s.runs.emplace_back(kind.name);
    s.dynamic_added = s.dynamic_added || added;
  }
}

inline void check(const settings& s) {
  using localis::expect;
  expect(s.epochs >= 1, "--epochs", "at least 1", s.epochs);
  expect(s.epochs <= 100000, "--epochs", "at most 100000", s.epochs);
  expect(s.batch >= 1, "--batch", "at least 1", s.batch);
  expect(s.threads <= 4096, "--threads", "at most 4096", s.threads);
  expect(s.validation >= 1, "--validation", "at least 1", s.validation);
  expect(!s.short_epochs || *s.short_epochs >= 1, "--short-epochs", "at least 1", s.short_epochs.value_or(0));
  const auto rate = [](const char* name, double value) {
    expect(std::isfinite(value) && value >= 0, name, "a finite number of at least 0", value);
  };
  rate("--learning-rate", s.learning_rate.base.rate);
  rate("--rate-warm-up", s.learning_rate.epochs);
  rate("--local-rate", s.local_rate);
  rate("--weight-decay", s.optimizer.weight_decay);
  rate("--prefix-rate", s.prefix_rate);
  expect(s.optimizer.momentum >= 0 && s.optimizer.momentum < 1, "--momentum", "a number in [0, 1)",
         s.optimizer.momentum);
  expect(s.every >= 2, "--every", "at least 2", s.every);
}

}  // namespace detail

/// Reads the command line.
/// Errors: CLI::ParseError, also for --help (exit code 0); config_error for values out of range.
[[nodiscard]] inline settings read_settings(CLI::App& app, int argc, const char* const* argv) {
  settings s;
  std::string only;
  std::string seeds = "1";
  std::string normalization = "running";
  std::vector<std::string> names;
  for (const run_kind& kind : run_kinds) names.push_back(typed_name(kind.name));
  app.get_formatter()->column_width(34);
  app.footer("Runs: " + joined(names, ", ") +
             "\nfrozen-replay and sgd-short follow localized-dynamic, which is run for them if need be.\n"
             "Ctrl-C stops at the next step and keeps what is done.\n"
             "Exit status: 0 done, 2 bad option or file, 3 training diverged, 130 interrupted.");

  const auto option = [&app](const char* group, const std::string& name, auto& value, const char* unit,
                             const std::string& meaning) {
    auto* added = app.add_option(name, value, meaning)->group(group)->type_name(unit);
    using type = std::remove_reference_t<decltype(value)>;
    if constexpr (std::is_same_v<type, std::size_t> || std::is_same_v<type, std::optional<std::size_t>>) {
      added->check(&detail::whole_number);  // or else -1 would come back as 2^64 - 1
    }
    return added;
  };
  const auto count_of = [&option](auto&&... all) { return option(all...)->capture_default_str(); };

  const char* general = "What is done";
  app.add_flag("--quick", s.quick, "3,000 training pictures, 5 epochs, 2,000 test pictures: under a minute in all")
      ->group(general);
  option(general, "--only", only, "RUNS",
         "with commas between them, see below; all but the (batch) runs where it is left out");
  app.add_flag("--all-frozen", s.all_frozen, "the frozen runs with both normalizations of the prefix")->group(general);
  count_of(general, "--seeds", seeds, "SEEDS", "with commas between them; every run is done once from each");
  count_of(general, "--epochs", s.epochs, "EPOCHS", "passes over the training pictures");
  option(general, "--short-epochs", s.short_epochs, "EPOCHS",
         "of sgd-short; left out: the count that comes closest to the training time of localized-dynamic");
  count_of(general, "--batch", s.batch, "PICTURES", "pictures per step");
  count_of(general, "--threads", s.threads, "THREADS", "processor threads; 0: all");

  const char* files = "Pictures and files";
  auto* data = option(files, "--data", s.data, "FOLDER",
                      "holds the four files of Fashion-MNIST, .gz or not [" + s.data.string() +
                          "; where that is missing, the embedded digits]");
  app.add_flag("--digits", s.digits, "the embedded digits, even where Fashion-MNIST is there")
      ->group(files)
      ->excludes(data);
  auto* validation = count_of(files, "--validation", s.validation, "PICTURES",
                              "taken from the training pictures to watch the runs (1000 with --quick, 200 of digits)");
  auto* train = count_of(files, "--pictures", s.pictures, "PICTURES", "to train with, after validation; 0: all");
  option(files, "--out", s.out, "FOLDER",
         "for epochs.csv, report.json and report.html [out, or out-2, ...: a new one]");

  const char* rates = "Step sizes";
  count_of(rates, "--learning-rate", s.learning_rate.base.rate, "RATE",
           "of the gradient steps, which falls to 0 along a cosine; dimensionless");
  count_of(rates, "--rate-warm-up", s.learning_rate.epochs, "EPOCHS",
           "in which the learning rate first rises from a tenth of itself; fractions allowed");
  count_of(rates, "--momentum", s.optimizer.momentum, "SHARE", "of the last gradient step kept, in [0, 1)");
  count_of(rates, "--weight-decay", s.optimizer.weight_decay, "RATE",
           "added to the gradient per weight; dimensionless");
  count_of(rates, "--local-rate", s.local_rate, "SHARE",
           "of the weights' norm that one local update moves (relative step); dimensionless");
  count_of(rates, "--prefix-normalization", normalization, "running|batch",
           "statistics that batch normalization uses before the boundary; the runs called (batch) take batch");

  const char* fixed = "Static boundary (localized-static, frozen-static, interleaved)";
  option(fixed, "--begin", s.linear.begin, "EPOCH", "from 0, at which the boundary begins to move [0]");
  option(fixed, "--end", s.linear.end, "EPOCH", "from 0, at which it reaches --last [the last one]");
  option(fixed, "--last", s.linear.last, "STAGE", "boundary at --end [the highest that the network allows]");
  count_of(fixed, "--every", s.every, "STEPS", "interleaved: one step of so many trains all stages by gradient");
  count_of(fixed, "--prefix-rate", s.prefix_rate, "FACTOR",
           "interleaved: times the learning rate before the boundary in such steps");

  const char* moving = "Dynamic boundary (localized-dynamic, frozen-replay)";
  count_of(moving, "--alpha", s.dynamic.alpha, "FACTOR",
           "the boundary moves when updates fall to this share of their recent mean; dimensionless");
  count_of(moving, "--window", s.dynamic.window, "EPOCHS", "that the recent mean looks back");
  count_of(moving, "--patience", s.dynamic.patience, "EPOCHS", "the boundary rests more than so many after a move");
  count_of(moving, "--warm-up", s.dynamic.warm_up, "EPOCHS", "at the start after which it never moves");
  count_of(moving, "--shift", s.dynamic.shift, "STAGES", "per move");

  const char* weak = "Gain of the local steps (localized-dynamic): (mean loss / loss) ^ exponent";
  count_of(weak, "--gain-exponent", s.gain.exponent, "NUMBER", "above 0; dimensionless");
  count_of(weak, "--gain-lowest", s.gain.lowest, "FACTOR", "smallest gain, in [0, 1]");
  count_of(weak, "--gain-highest", s.gain.highest, "FACTOR", "largest gain, at least 1");
  count_of(weak, "--gain-smoothing", s.gain.smoothing, "SHARE",
           "of the mean loss kept per step, in [0, 1); it remembers 1 / (1 - share) steps");

  app.parse(argc, argv);

  s.data_given = data->count() > 0;
  s.validation_given = validation->count() > 0;
  if (s.quick) {
    if (app.count("--epochs") == 0) s.epochs = 5;
    if (train->count() == 0) s.pictures = 3000;
    if (!s.validation_given) s.validation = 1000;
    s.test_pictures = 2000;
  }
  s.seeds = detail::parse_seeds(seeds);
  detail::choose_runs(s, only);
  localis::expect(normalization == "running" || normalization == "batch", "--prefix-normalization", "running or batch",
                  normalization);
  if (normalization == "batch") s.normalization = localis::prefix_normalization::batch;
  detail::check(s);
  return s;
}

}  // namespace examples
