#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

#include "format.hpp"
#include "settings.hpp"
#include <CLI/CLI.hpp>

#include <localis/core/error.hpp>

namespace examples {

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

/// Reads "cifar10:DIR", or a folder alone, which is one of Fashion-MNIST.
inline void parse_data(settings& s, const std::string& given) {
  s.data = given;
  std::vector<std::string_view> names;
  for (const auto& [name, kind] : data_kinds) {
    names.push_back(name);
    if (given.rfind(std::string(name) + ':', 0) != 0) continue;
    s.source = kind;
    s.data = given.substr(name.size() + 1);
  }
  localis::expect(!s.data.empty(), "--data", "a folder", "'" + given + "'");
  localis::expect(s.of.of_models || s.source == data_kind::fashion, "--data",
                  "the folder of Fashion-MNIST, which this network is made for", "'" + given + "'");
}

/// Fills in the runs of --only, or the usual ones, in the order in which they are done, and those that they need.
inline void choose_runs(settings& s, const std::string& only) {
  const std::vector<std::string> known = typed_names(s.of);
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
  const auto needed = [&](const run_kind& kind) {
    return std::any_of(s.of.kinds.begin(), s.of.kinds.end(), [&](const run_kind& other) {
      return other.follows == kind.name && chosen(other) && !(other.name == "sgd short" && s.short_epochs);
    });
  };
  for (const run_kind& kind : s.of.kinds) {
    if (!chosen(kind) && !needed(kind)) continue;
    if (!chosen(kind)) s.added = kind.name;
    s.runs.emplace_back(kind.name);
  }
}

/// Reads "1e-5,bcm=1e-6": a rate for all rules that are not supervised, and rates by rule.
inline void parse_local_rates(settings& s, const std::string& list) {
  for (const std::string& part : parts_of(list)) {
    const auto equals = part.find('=');
    const std::string number = equals == std::string::npos ? part : part.substr(equals + 1);
    double rate = 0;
    const auto end = std::from_chars(number.data(), number.data() + number.size(), rate);
    localis::expect(
        end.ec == std::errc{} && end.ptr == number.data() + number.size() && std::isfinite(rate) && rate > 0,
        "--local-rate", "finite numbers above 0, as RATE or RULE=RATE, with commas between them", '\'' + list + '\'');
    if (equals == std::string::npos) {
      s.local_rate = rate;
      continue;
    }
    const run_kind* kind = s.of.find(part.substr(0, equals));
    localis::expect(kind != nullptr && kind->rule, "--local-rate", "the name of a rule before =", '\'' + part + '\'');
    s.local_rates[std::string(kind->name)] = rate;
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
  rate("--supervised-rate", s.supervised_rate);
  rate("--weight-decay", s.optimizer.weight_decay);
  rate("--prefix-rate", s.prefix_rate);
  expect(s.optimizer.momentum >= 0 && s.optimizer.momentum < 1, "--momentum", "a number in [0, 1)",
         s.optimizer.momentum);
  expect(s.every >= 2, "--every", "at least 2", s.every);
}

/// Of the runs that have more than a static boundary.
template <class CountOf>
void add_localized_options(settings& s, const CountOf& count_of) {
  const char* fixed = "Static boundary (localized-static, frozen-static, interleaved)";
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
}

}  // namespace detail

/// Reads the command line of `of`, whose defaults are those of `s`.
/// Errors: CLI::ParseError, also for --help (exit code 0); config_error for values out of range.
[[nodiscard]] inline settings read_settings(CLI::App& app, int argc, const char* const* argv, const program& of,
                                            settings s = {}) {
  s.of = of;
  std::string only;
  std::string seeds = "1";
  std::string normalization = "running";
  std::string local_rates = exact(s.local_rate);
  std::string following;
  for (const run_kind& kind : of.kinds) {
    if (kind.follows.empty()) continue;
    following += typed_name(kind.name) + " needs " + typed_name(kind.follows) + ", which is then run too. ";
  }
  app.get_formatter()->column_width(34);
  app.footer("Runs: " + joined(typed_names(of), ", ") + ".\n" + following +
             "\nCtrl-C stops at the next step and keeps what is done.\n"
             "Exit status: 0 done, 2 bad option or file, " +
             (of.of_rules ? "" : "3 training diverged, ") + "130 interrupted.");

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
  const std::size_t quick_epochs = of.of_rules ? 3 : 5;
  app.add_flag("--quick", s.quick,
               localis::text("3,000 training pictures, ", quick_epochs, " epochs, 2,000 test pictures: ",
                             of.of_rules ? "about a minute" : "under a minute", " in all"))
      ->group(general);
  option(general, "--only", only, "RUNS",
         std::string("with commas between them, see below; ") +
             (of.of_rules ? "all of them" : "all but the (batch) runs") + " where it is left out");
  if (!of.of_rules) {
    app.add_flag("--all-frozen", s.all_frozen, "the frozen runs with both normalizations of the prefix")
        ->group(general);
  }
  count_of(general, "--seeds", seeds, "SEEDS", "with commas between them; every run is done once from each");
  count_of(general, "--epochs", s.epochs, "EPOCHS", "passes over the training pictures");
  option(general, "--short-epochs", s.short_epochs, "EPOCHS",
         std::string("of sgd-short; left out: the count that comes closest to the training time of ") +
             (of.of_rules ? "oja" : "localized-dynamic"));
  count_of(general, "--batch", s.batch, "PICTURES", "pictures per step");
  count_of(general, "--threads", s.threads, "THREADS", "processor threads; 0: all");

  const char* files = "Pictures and files";
  std::string where;
  auto* data = option(files, "--data", where, of.of_models ? "KIND:FOLDER" : "FOLDER",
                      of.of_models ? "cifar10 or cifar100: the official binary files; folder: FOLDER/train/CLASS/* and "
                                     "FOLDER/val/CLASS/*, JPEG or PNG; fashion: Fashion-MNIST [fashion:" +
                                         s.data.string() + "]"
                                   : "holds the four files of Fashion-MNIST, .gz or not [" + s.data.string() +
                                         "; where that is missing, the embedded digits]");
  app.add_flag("--digits", s.digits, "the embedded digits, even where Fashion-MNIST is there")
      ->group(files)
      ->excludes(data);
  auto* validation =
      count_of(files, "--validation", s.validation, "PICTURES",
               "taken from the training pictures to watch the runs (1000 with --quick; a seventh where there are "
               "fewer than four times as many)");
  auto* train = count_of(files, "--pictures", s.pictures, "PICTURES", "to train with, after validation; 0: all");
  auto* out = option(files, "--out", s.out, "FOLDER",
                     "for epochs.csv, report.json, report.html and table.md [out, or out-2, ...: a new one]");
  app.add_flag("--resume", s.resume,
               "goes on with the comparison in --out: its finished runs are not done again, and one that was "
               "interrupted goes on where it was")
      ->group(files)
      ->needs(out);
  count_of(files, "--checkpoint-every", s.checkpoint_every, "STEPS",
           "and behind each epoch, the run under way is stored in --out; 0: only when it is interrupted");

  if (of.of_models) {
    app.add_flag("--plain", s.plain, "training pictures are not cropped and mirrored at random")->group(files);
    count_of(files, "--cutout", s.cutout, "PIXELS", "side of a square of training pictures that is set to their mean");
    app.add_flag("--skip-corrupt", s.skip_corrupt, "leaves out pictures of a folder that cannot be read, and tells")
        ->group(files);
    app.add_flag("--zero-gamma", s.zero_gamma, "residual blocks begin as identities")->group(general);
  }

  const char* rates = "Step sizes";
  count_of(rates, "--learning-rate", s.learning_rate.base.rate, "RATE",
           "of the gradient steps, which falls to 0 along a cosine; dimensionless");
  count_of(rates, "--rate-warm-up", s.learning_rate.epochs, "EPOCHS",
           "in which the learning rate first rises from a tenth of itself; fractions allowed");
  count_of(rates, "--momentum", s.optimizer.momentum, "SHARE", "of the last gradient step kept, in [0, 1)");
  count_of(rates, "--weight-decay", s.optimizer.weight_decay, "RATE",
           "added to the gradient per weight; dimensionless");
  if (of.of_rules) {
    count_of(rates, "--local-rate", local_rates, "[RULE=]SHARE,...",
             "of the weights' norm that one local update moves (relative step), for all rules that are not supervised, "
             "and by rule; of a supervised rule, its first rate");
    count_of(rates, "--supervised-rate", s.supervised_rate, "SHARE",
             "of the learning rate, and falling with it: the local rate of supervised rules (plain steps)");
  } else {
    count_of(rates, "--local-rate", s.local_rate, "SHARE",
             "of the weights' norm that one local update moves (relative step); dimensionless");
  }
  count_of(rates, "--prefix-normalization", normalization, "running|batch",
           "statistics that batch normalization uses before the boundary; the runs called (batch) take batch");

  const char* fixed = of.of_rules ? "Boundary" : "Static boundary (localized-static, frozen-static, interleaved)";
  option(fixed, "--begin", s.linear.begin, "EPOCH", "from 0, at which the boundary begins to move [0]");
  option(fixed, "--end", s.linear.end, "EPOCH", "from 0, at which it reaches --last [the last one]");
  option(fixed, "--last", s.linear.last, "STAGE", "boundary at --end [the highest that the network allows]");
  if (!of.of_rules) detail::add_localized_options(s, count_of);

  app.parse(argc, argv);

  s.data_given = data->count() > 0;
  if (s.data_given) detail::parse_data(s, where);
  s.validation_given = validation->count() > 0;
  if (s.quick) {
    if (app.count("--epochs") == 0) s.epochs = quick_epochs;
    if (train->count() == 0) s.pictures = 3000;
    if (!s.validation_given) s.validation = 1000;
    s.test_pictures = 2000;
  }
  s.seeds = detail::parse_seeds(seeds);
  if (of.of_rules) detail::parse_local_rates(s, local_rates);
  detail::choose_runs(s, only);
  localis::expect(normalization == "running" || normalization == "batch", "--prefix-normalization", "running or batch",
                  normalization);
  if (normalization == "batch") s.normalization = localis::prefix_normalization::batch;
  detail::check(s);
  return s;
}

}  // namespace examples
