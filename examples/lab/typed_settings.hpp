#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "../ranks.hpp"
#include "report/format.hpp"
#include "report/path_text.hpp"
#include "settings.hpp"

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>

/// What a user types for settings that are more than a number: lists, runs by name, data by kind and folder.
namespace examples {

[[nodiscard]] inline std::vector<std::string> list_parts(const std::string& list) {
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
  for (const std::string& part : list_parts(list)) {
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

/// Reads "cifar10:FOLDER"; a folder without a kind is one of Fashion-MNIST.
inline void parse_data(settings& s, const std::string& given) {
  s.data = path_of(given);
  for (const auto& [name, kind] : data_kinds) {
    if (given.rfind(std::string(name) + ':', 0) != 0) continue;
    s.source = kind;
    s.data = path_of(std::string_view(given).substr(name.size() + 1));
  }
  localis::expect(!s.data.empty(), "--data", "a folder", "'" + given + "'");
  localis::expect(s.comparison.of_models || s.source == data_kind::fashion, "--data",
                  "the folder of Fashion-MNIST, which this network is made for", "'" + given + "'");
}

/// Fills in the runs of --only, or the usual ones, and those that they need, in the order in which they are done.
inline void choose_runs(settings& s, const std::string& only) {
  const std::vector<std::string> known = typed_names(s.comparison);
  std::vector<std::string> asked;
  if (!only.empty()) asked = list_parts(only);
  for (std::string& name : asked) {
    name = typed_name(name);
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw localis::config_error(
          localis::text("--only: expected runs out of ", joined(known, ", "), "; found '", name, '\''));
    }
  }
  const auto chosen = [&](const run_kind& kind) {
    const bool frozen = kind.name.starts_with("frozen") && (kind.usual || kind.name.ends_with("(batch)"));
    const bool usual = kind.usual && !(kind.pairs && ranks().size() > 1);
    const bool frontier = kind.frontier && !(kind.cached && (changes_pictures(s) || ranks().size() > 1));
    return (asked.empty() && !s.frontier && usual) || (s.all_frozen && frozen) || (s.frontier && frontier) ||
           std::find(asked.begin(), asked.end(), typed_name(kind.name)) != asked.end();
  };
  const auto needed = [&](const run_kind& kind) {
    return std::any_of(s.comparison.kinds.begin(), s.comparison.kinds.end(), [&](const run_kind& other) {
      return other.follows == kind.name && chosen(other) && !(other.name == "sgd short" && s.short_epochs);
    });
  };
  for (const run_kind& kind : s.comparison.kinds) {
    if (!chosen(kind) && !needed(kind)) continue;
    if (!chosen(kind)) s.added = kind.name;
    s.runs.emplace_back(kind.name);
  }
}

/// Reads "1e-5,bcm=1e-6": a rate for every rule that is not supervised, and rates of single rules.
inline void parse_local_rates(settings& s, const std::string& list) {
  for (const std::string& part : list_parts(list)) {
    const auto equals = part.find('=');
    const std::string number = equals == std::string::npos ? part : part.substr(equals + 1);
    double rate = 0;
    const auto end = std::from_chars(number.data(), number.data() + number.size(), rate);
    localis::expect(
        end.ec == std::errc{} && end.ptr == number.data() + number.size() && localis::is_finite(rate) && rate > 0,
        "--local-rate", "finite numbers above 0, as RATE or RULE=RATE, with commas between them", '\'' + list + '\'');
    if (equals == std::string::npos) {
      s.local_rate = rate;
      continue;
    }
    const run_kind* kind = s.comparison.find(part.substr(0, equals));
    localis::expect(kind != nullptr && kind->rule, "--local-rate", "the name of a rule before =", '\'' + part + '\'');
    s.local_rates[std::string(kind->name)] = rate;
  }
}

/// Reads "sgd-25=0.1,frozen-static=0.02": learning rates of single runs.
inline void parse_rates(settings& s, const std::string& list) {
  if (list.empty()) return;
  for (const std::string& part : list_parts(list)) {
    const auto equals = part.find('=');
    const std::string number = equals == std::string::npos ? "" : part.substr(equals + 1);
    double rate = 0;
    const auto end = std::from_chars(number.data(), number.data() + number.size(), rate);
    localis::expect(
        end.ec == std::errc{} && end.ptr == number.data() + number.size() && localis::is_finite(rate) && rate >= 0,
        "--rates", "finite numbers of at least 0, as RUN=RATE, with commas between them", '\'' + list + '\'');
    const run_kind* kind = nullptr;
    for (const run_kind& one : s.comparison.kinds) {
      if (typed_name(one.name) == typed_name(part.substr(0, equals))) kind = &one;
    }
    localis::expect(kind != nullptr, "--rates", "the name of a run before =", '\'' + part + '\'');
    s.rates[std::string(kind->name)] = rate;
  }
}

/// Errors: config_error for a number out of its range, or an option without one that it needs.
inline void validate(const settings& s) {
  using localis::expect;
  expect(s.epochs >= 1, "--epochs", "at least 1", s.epochs);
  expect(s.epochs <= 100000, "--epochs", "at most 100000", s.epochs);
  expect(s.batch >= 1, "--batch", "at least 1", s.batch);
  expect(s.threads <= 4096, "--threads", "at most 4096", s.threads);
  expect(s.validation >= 1, "--validation", "at least 1", s.validation);
  expect(!s.short_epochs || *s.short_epochs >= 1, "--short-epochs", "at least 1", s.short_epochs.value_or(0));
  const auto rate = [](const char* name, double value) {
    expect(localis::is_finite(value) && value >= 0, name, "a finite number of at least 0", value);
  };
  rate("--learning-rate", s.learning_rate.base.rate);
  rate("--final-rate", s.learning_rate.base.last);
  rate("--rate-warm-up", s.learning_rate.epochs);
  rate("--local-rate", s.local_rate);
  rate("--supervised-rate", s.supervised_rate);
  rate("--weight-decay", s.optimizer.weight_decay);
  rate("--prefix-rate", s.prefix_rate);
  expect(s.optimizer.momentum >= 0 && s.optimizer.momentum < 1, "--momentum", "a number in [0, 1)",
         s.optimizer.momentum);
  expect(s.average_decay > 0 && s.average_decay < 1, "--average-decay", "a number in (0, 1)", s.average_decay);
  expect(s.cache >= 1, "--cache", "at least 1", s.cache);
  expect(s.interleave >= 2, "--interleave", "at least 2", s.interleave);
  expect(s.keep >= 1, "--keep", "at least 1", s.keep);
  expect(!s.resume || !s.out.empty(), "--resume", "--out with it, the folder to go on in", "none");
  expect(!s.other_machine || s.resume, "--other-machine", "--resume with it", "none");
}

/// Errors: config_error for a run that keeps features where they change.
inline void check_cached(const settings& s) {
  for (const run_kind& kind : s.comparison.kinds) {
    if (!kind.cached || !s.wants(kind.name)) continue;
    const std::string run = "--only: " + typed_name(kind.name);
    localis::expect(!changes_pictures(s), run.c_str(), "training pictures that stay as they are: --plain",
                    s.plain ? "--cutout" : "pictures changed at random");
    localis::expect(ranks().size() == 1, run.c_str(), "one rank", ranks().size());
  }
}

/// Errors: config_error for what several ranks cannot do, and for what one rank need not.
inline void check_ranks(const settings& s, std::size_t count) {
  using localis::expect;
  expect(s.ranks.prefix_every >= 1, "--prefix-every", "at least 1", s.ranks.prefix_every);
  expect(s.ranks.suffix_every >= 1, "--suffix-every", "at least 1", s.ranks.suffix_every);
  if (count > 1) {
    expect(!s.diagnose, "--diagnose", "one rank, which sees the whole batch", count);
    for (const run_kind& kind : s.comparison.kinds) {
      if (!kind.pairs || !s.wants(kind.name)) continue;
      expect(false, "--only", "rules that do not compare samples in pairs, on several ranks", kind.name);
    }
    return;
  }
  const localis::rank_options one;
  const auto alone = [](const char* name, bool usual) {
    expect(usual, name, "several ranks (run.sh: --ranks 2; docs/ranks.md)", "one");
  };
  alone("--prefix-every", s.ranks.prefix_every == one.prefix_every);
  alone("--suffix-every", s.ranks.suffix_every == one.suffix_every);
  alone("--suffix-from", s.ranks.suffix_from_epoch == one.suffix_from_epoch);
  alone("--batch-statistics", s.ranks.statistics == one.statistics);
}

/// A text whose parts are separated by commas.
struct comma_list {
  std::string text;
};

/// Settings as they are typed: those that are one value, and the text of the others, which complete() reads.
struct typed_settings {
  settings s;
  std::string data;
  comma_list only;
  comma_list seeds;
  comma_list local_rates;
  comma_list rates;
  std::string normalization;
  std::string convolution;
  std::string precision;
  std::string batch_statistics;
};

/// The ways to compute convolutions, as they are typed.
inline constexpr std::pair<const char*, localis::cpu::convolution> convolutions[] = {
    {"fast", localis::cpu::convolution::fast},
    {"small-error", localis::cpu::convolution::small_error},
    {"direct", localis::cpu::convolution::direct}};

/// The text that gives these settings when it is typed.
[[nodiscard]] inline typed_settings typed(const settings& s) {
  typed_settings t;
  t.s = s;
  if (!takes_digits(s)) {
    for (const auto& [name, kind] : data_kinds) {
      if (s.comparison.of_models && kind == s.source) t.data = std::string(name) + ':';
    }
    t.data += path_text(s.data);
  }
  std::vector<std::string> runs, seeds, own_rates, rates{exact(s.local_rate)};
  for (const std::string& run : s.runs) runs.push_back(typed_name(run));
  for (const std::uint64_t seed : s.seeds) seeds.push_back(std::to_string(seed));
  for (const auto& [rule, rate] : s.local_rates) rates.push_back(rule + '=' + exact(rate));
  for (const auto& [run, rate] : s.rates) own_rates.push_back(typed_name(run) + '=' + exact(rate));
  t.rates = {joined(own_rates, ",")};
  t.only = {joined(runs, ",")};
  t.seeds = {joined(seeds, ",")};
  t.local_rates = {joined(rates, ",")};
  t.normalization = s.normalization == localis::prefix_normalization::batch ? "batch" : "running";
  for (const auto& [name, way] : convolutions) {
    if (way == s.convolution) t.convolution = name;
  }
  t.batch_statistics = s.ranks.statistics == localis::batch_statistics::own ? "own" : "all";
  t.precision = s.precision == localis::cpu::precision::bfloat16 ? "bfloat16" : "float32";
  return t;
}

/// The count of epochs of --quick.
[[nodiscard]] inline std::size_t quick_epochs(const program& comparison) { return comparison.of_rules ? 3 : 5; }

/// Reads the text of the settings that have one, fills in what depends on other settings, and checks them all.
/// @param given      whether the command line or the configuration file has the option of this name
/// @param from_file  the names that the configuration file has and the command line has not
/// Errors: config_error
inline void complete(typed_settings& t, const std::function<bool(const std::string&)>& given,
                     const std::set<std::string>& from_file) {
  settings& s = t.s;
  if (s.digits && given("data")) {  // one of the two: the command line's
    localis::expect(from_file.count("digits") != from_file.count("data"), "--digits", "no --data beside it", t.data);
    s.digits = from_file.count("digits") == 0;
  }
  s.data_given = given("data") && !s.digits;
  if (s.data_given) parse_data(s, t.data);
  s.validation_given = given("validation");
  if (s.quick) {
    if (!given("epochs")) s.epochs = quick_epochs(s.comparison);
    if (!given("pictures")) s.pictures = 3000;
    if (!s.validation_given) s.validation = 1000;
    s.test_pictures = 2000;
  }
  s.seeds = parse_seeds(t.seeds.text);
  if (s.comparison.of_rules) parse_local_rates(s, t.local_rates.text);
  parse_rates(s, t.rates.text);
  choose_runs(s, t.only.text);
  localis::expect(t.normalization == "running" || t.normalization == "batch", "--prefix-normalization",
                  "running or batch", t.normalization);
  s.normalization =
      t.normalization == "batch" ? localis::prefix_normalization::batch : localis::prefix_normalization::running;
  const auto way = std::find_if(std::begin(convolutions), std::end(convolutions),
                                [&](const auto& one) { return one.first == t.convolution; });
  localis::expect(way != std::end(convolutions), "--convolution", "fast, small-error or direct", t.convolution);
  s.convolution = way->second;
  localis::expect(t.precision == "float32" || t.precision == "bfloat16", "--precision", "float32 or bfloat16",
                  t.precision);
  s.precision = t.precision == "bfloat16" ? localis::cpu::precision::bfloat16 : localis::cpu::precision::float32;
  localis::expect(t.batch_statistics == "all" || t.batch_statistics == "own", "--batch-statistics", "all or own",
                  t.batch_statistics);
  s.ranks.statistics = t.batch_statistics == "own" ? localis::batch_statistics::own : localis::batch_statistics::all;
  validate(s);
  check_cached(s);
  check_ranks(s, ranks().size());
}

}  // namespace examples
