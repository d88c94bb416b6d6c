#include "read_settings.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "read_config.hpp"
#include "report/format.hpp"
#include "report/path_text.hpp"
#include "report/run_program.hpp"
#include "settings.hpp"
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/scheduler/scheduler.hpp>

namespace examples {

namespace {

[[nodiscard]] std::vector<std::string> parts_of(const std::string& list) {
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

[[nodiscard]] std::vector<std::uint64_t> parse_seeds(const std::string& list) {
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
[[nodiscard]] std::string whole_number(const std::string& text) {
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  return digits ? "" : "expected a whole number of at least 0, found " + text;
}

/// Reads "cifar10:DIR", or a folder alone, which is one of Fashion-MNIST.
void parse_data(settings& s, const std::string& given) {
  s.data = path_of(given);
  std::vector<std::string_view> names;
  for (const auto& [name, kind] : data_kinds) {
    names.push_back(name);
    if (given.rfind(std::string(name) + ':', 0) != 0) continue;
    s.source = kind;
    s.data = path_of(std::string_view(given).substr(name.size() + 1));
  }
  localis::expect(!s.data.empty(), "--data", "a folder", "'" + given + "'");
  localis::expect(s.of.of_models || s.source == data_kind::fashion, "--data",
                  "the folder of Fashion-MNIST, which this network is made for", "'" + given + "'");
}

/// Fills in the runs of --only, or the usual ones, in the order in which they are done, and those that they need.
void choose_runs(settings& s, const std::string& only) {
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
void parse_local_rates(settings& s, const std::string& list) {
  for (const std::string& part : parts_of(list)) {
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
    const run_kind* kind = s.of.find(part.substr(0, equals));
    localis::expect(kind != nullptr && kind->rule, "--local-rate", "the name of a rule before =", '\'' + part + '\'');
    s.local_rates[std::string(kind->name)] = rate;
  }
}

void check(const settings& s) {
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
  rate("--rate-warm-up", s.learning_rate.epochs);
  rate("--local-rate", s.local_rate);
  rate("--supervised-rate", s.supervised_rate);
  rate("--weight-decay", s.optimizer.weight_decay);
  rate("--prefix-rate", s.prefix_rate);
  expect(s.optimizer.momentum >= 0 && s.optimizer.momentum < 1, "--momentum", "a number in [0, 1)",
         s.optimizer.momentum);
  expect(s.interleave >= 2, "--interleave", "at least 2", s.interleave);
  expect(s.keep >= 1, "--keep", "at least 1", s.keep);
  expect(!s.resume || !s.out.empty(), "--resume", "--out with it, the folder to go on in", "none");
  expect(!s.other_machine || s.resume, "--other-machine", "--resume with it", "none");
}

/// Text with commas between its parts.
struct comma_list {
  std::string text;
};

/// What is typed: settings, and the text of those that are not read as they stand.
struct typed_settings {
  settings s;
  std::string data;
  comma_list only;
  comma_list seeds;
  comma_list local_rates;
  std::string normalization;
};

[[nodiscard]] typed_settings typed(const settings& s) {
  typed_settings t;
  t.s = s;
  if (!takes_digits(s)) {
    for (const auto& [name, kind] : data_kinds) {
      if (s.of.of_models && kind == s.source) t.data = std::string(name) + ':';
    }
    t.data += path_text(s.data);
  }
  std::vector<std::string> runs, seeds, rates{exact(s.local_rate)};
  for (const std::string& run : s.runs) runs.push_back(typed_name(run));
  for (const std::uint64_t seed : s.seeds) seeds.push_back(std::to_string(seed));
  for (const auto& [rule, rate] : s.local_rates) rates.push_back(rule + '=' + exact(rate));
  t.only = {joined(runs, ",")};
  t.seeds = {joined(seeds, ",")};
  t.local_rates = {joined(rates, ",")};
  t.normalization = s.normalization == localis::prefix_normalization::batch ? "batch" : "running";
  return t;
}

/// What there is to say of an option.
struct about {
  const char* group;
  const char* unit;  ///< "" for a flag
  std::string meaning;
  bool of_run = true;  ///< it says what is run, not where
};

constexpr const char* general = "What is done";
constexpr const char* files = "Pictures and files";

[[nodiscard]] std::size_t quick_epochs(const program& of) { return of.of_rules ? 3 : 5; }

/// Of the runs that have more than a static boundary.
template <class Visit>
void visit_localized(settings& s, const Visit& visit) {
  const char* fixed = "Static boundary (localized-static, frozen-static, interleaved)";
  visit("interleave", s.interleave, {fixed, "STEPS", "interleaved: one step of so many trains all stages by gradient"});
  visit("prefix-rate", s.prefix_rate,
        {fixed, "FACTOR", "interleaved: times the learning rate before the boundary in such steps"});

  const char* moving = "Dynamic boundary (localized-dynamic, frozen-replay)";
  visit("alpha", s.dynamic.alpha,
        {moving, "FACTOR", "the boundary moves when updates fall to this share of their recent mean; dimensionless"});
  visit("window", s.dynamic.window, {moving, "EPOCHS", "that the recent mean looks back"});
  visit("patience", s.dynamic.patience, {moving, "EPOCHS", "the boundary rests more than so many after a move"});
  visit("warm-up", s.dynamic.warm_up, {moving, "EPOCHS", "at the start after which it never moves"});
  visit("shift", s.dynamic.shift, {moving, "STAGES", "per move"});

  const char* weak = "Gain of the local steps (localized-dynamic): (mean loss / loss) ^ exponent";
  visit("gain-exponent", s.gain.exponent, {weak, "NUMBER", "above 0; dimensionless"});
  visit("gain-lowest", s.gain.lowest, {weak, "FACTOR", "smallest gain, in [0, 1]"});
  visit("gain-highest", s.gain.highest, {weak, "FACTOR", "largest gain, at least 1"});
  visit("gain-smoothing", s.gain.smoothing,
        {weak, "SHARE", "of the mean loss kept per step, in [0, 1); it remembers 1 / (1 - share) steps"});
}

/// The one table of options: visit(name, value, what there is to say of it) for each that the program has. The command
/// line, configuration files, --help, run.json and the report's settings come from it.
template <class Visit>
void visit_options(typed_settings& t, const Visit& visit) {
  settings& s = t.s;
  const program& of = s.of;
  visit("quick", s.quick,
        {general, "",
         localis::text("3,000 training pictures, ", quick_epochs(of), " epochs, 2,000 test pictures: ",
                       of.of_rules ? "about a minute" : "under a minute", " in all")});
  visit("only", t.only,
        {general, "RUNS",
         std::string("these alone, with commas between them, see below; ") +
             (of.of_rules ? "all of them" : "all but the (batch) runs") + " where it is left out"});
  if (!of.of_rules) {
    visit("all-frozen", s.all_frozen,
          {general, "", "the frozen runs with both normalizations of the prefix", false});  // in run.json by "only"
  }
  visit("seeds", t.seeds, {general, "SEEDS", "each run is done once from each of them, with commas between them"});
  visit("epochs", s.epochs, {general, "EPOCHS", "passes over the training pictures"});
  visit("short-epochs", s.short_epochs,
        {general, "EPOCHS",
         std::string("of sgd-short; left out: the count that comes closest to the training time of ") +
             (of.of_rules ? "oja" : "localized-dynamic")});
  visit("batch", s.batch, {general, "PICTURES", "pictures per step"});
  visit("threads", s.threads, {general, "THREADS", "processor threads; 0: all"});
  if (of.of_models) visit("zero-gamma", s.zero_gamma, {general, "", "residual blocks begin as identities"});

  visit("data", t.data,
        {files, of.of_models ? "KIND:FOLDER" : "FOLDER",
         of.of_models ? "cifar10 or cifar100: the official binary files; folder: FOLDER/train/CLASS/* and "
                        "FOLDER/val/CLASS/*, JPEG or PNG; fashion: Fashion-MNIST [fashion:" +
                            s.data.string() + "]"
                      : "holds the four files of Fashion-MNIST, .gz or not [" + s.data.string() +
                            "; where that is missing, the embedded digits]"});
  visit("digits", s.digits, {files, "", "the embedded digits, even where Fashion-MNIST is there"});
  visit("validation", s.validation,
        {files, "PICTURES",
         "taken from the training pictures to watch the runs (1000 with --quick; a seventh where there are fewer than "
         "four times as many)"});
  visit("pictures", s.pictures, {files, "PICTURES", "to train with, after validation; 0: all"});
  if (of.of_models) {
    visit("plain", s.plain, {files, "", "training pictures are not cropped and mirrored at random"});
    visit("cutout", s.cutout, {files, "PIXELS", "side of a square of training pictures that is set to their mean"});
    visit("skip-corrupt", s.skip_corrupt,
          {files, "", "leaves out pictures of a folder that cannot be read, and tells"});
  }
  visit("out", s.out,
        {files, "FOLDER",
         "for epochs.csv, report.json, report.html, table.md and run.json [out, or out-2, ...: a new one]", false});

  const char* stored = "Checkpoints";
  visit("checkpoint", s.checkpoints, {stored, "FOLDER", "for checkpoints, each a file [OUT/checkpoints]", false});
  visit("every", s.every,
        {stored, "STEPS",
         "a checkpoint after so many of an epoch, and one behind it; they stay when the run is done. 0: only when the "
         "run "
         "is interrupted, until it is done"});
  visit("keep", s.keep, {stored, "COUNT", "checkpoints of each run that stay, the last ones"});
  visit("resume", s.resume,
        {stored, "",
         "goes on with the comparison in --out: its finished runs are not done again, and one that was interrupted "
         "goes on from its last checkpoint that loads",
         false});
  visit("other-machine", s.other_machine,
        {stored, "",
         "with --resume: goes on even where processor, compiler, threads or version of the library are not those of "
         "before, by which results may differ in their last digits and times are of different machines",
         false});

  const char* rates = "Step sizes";
  visit("learning-rate", s.learning_rate.base.rate,
        {rates, "RATE", "of the gradient steps, which falls to 0 along a cosine; dimensionless"});
  visit("rate-warm-up", s.learning_rate.epochs,
        {rates, "EPOCHS", "in which the learning rate first rises from a tenth of itself; fractions allowed"});
  visit("momentum", s.optimizer.momentum, {rates, "SHARE", "of the last gradient step kept, in [0, 1)"});
  visit("weight-decay", s.optimizer.weight_decay, {rates, "RATE", "added to the gradient per weight; dimensionless"});
  if (of.of_rules) {
    visit("local-rate", t.local_rates,
          {rates, "[RULE=]SHARE,...",
           "of the weights' norm that one local update moves (relative step), for all rules that are not supervised, "
           "and by rule; of a supervised rule, its first rate"});
    visit("supervised-rate", s.supervised_rate,
          {rates, "SHARE",
           "of the learning rate, and falling with it: the local rate of supervised rules (plain steps)"});
  } else {
    visit("local-rate", s.local_rate,
          {rates, "SHARE", "of the weights' norm that one local update moves (relative step); dimensionless"});
  }
  visit("prefix-normalization", t.normalization,
        {rates, "running|batch",
         "statistics that batch normalization uses before the boundary; the runs called (batch) take batch"});

  const char* fixed = of.of_rules ? "Boundary" : "Static boundary (localized-static, frozen-static, interleaved)";
  visit("begin", s.linear.begin, {fixed, "EPOCH", "from 0, at which the boundary begins to move"});
  visit("end", s.linear.end, {fixed, "EPOCH", "from 0, at which it reaches --last [the last one]"});
  visit("last", s.linear.last, {fixed, "STAGE", "boundary at --end [the highest that the network allows]"});
  if (!of.of_rules) visit_localized(s, visit);
}

/// What is left to the run has no value to show.
template <class T>
[[nodiscard]] bool has_value(const T& value) {
  if constexpr (std::is_same_v<T, std::size_t>) return value != localis::scheduler::highest;
  if constexpr (std::is_same_v<T, std::optional<std::size_t>>) return value.has_value();
  if constexpr (std::is_same_v<T, comma_list>) return !value.text.empty();
  if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, std::filesystem::path>) return !value.empty();
  return true;
}

/// With lines of at most so many letters.
[[nodiscard]] std::string wrapped(const std::string& text, std::size_t width) {
  std::string result;
  std::size_t begin = 0;
  while (text.size() - begin > width) {
    const std::size_t space = text.rfind(' ', begin + width);
    if (space == std::string::npos || space <= begin) break;  // a long path stays whole
    result += text.substr(begin, space - begin) + '\n';
    begin = space + 1;
  }
  return result + text.substr(begin);
}
constexpr std::size_t line = 110;  ///< letters, of --help
constexpr std::size_t column = 34;

/// Adds each option to the command line.
struct add_option {
  CLI::App& app;

  void operator()(const std::string& name, bool& value, const about& what) const {
    app.add_flag("--" + name, value, shown(what))->group(what.group);
  }
  template <class T>
  void operator()(const std::string& name, T& value, const about& what) const {
    CLI::Option* added = nullptr;
    if constexpr (std::is_same_v<T, comma_list>) {
      added = app.add_option("--" + name, value.text, shown(what));
    } else {
      added = app.add_option("--" + name, value, shown(what));
    }
    added->group(what.group)->type_name(what.unit);
    if (has_value(value)) added->capture_default_str();
    if constexpr (std::is_same_v<T, std::size_t> || std::is_same_v<T, std::optional<std::size_t>>) {
      added->check(&whole_number);  // or else -1 would come back as 2^64 - 1
    }
  }
  [[nodiscard]] static std::string shown(const about& what) { return wrapped(what.meaning, line - column); }
};

/// Writes the value of each option that says what is run.
struct write_option {
  nlohmann::ordered_json& into;

  template <class T>
  void operator()(const char* name, const T& value, const about& what) const {
    if (what.of_run && has_value(value)) into[name] = json_of(value);
  }
  template <class T>
  [[nodiscard]] static nlohmann::ordered_json json_of(const T& value) {
    if constexpr (std::is_same_v<T, comma_list>) {
      nlohmann::ordered_json list = nlohmann::ordered_json::array();
      for (const std::string& part : parts_of(value.text)) {
        const bool number = nlohmann::ordered_json::accept(part);
        list.push_back(number ? nlohmann::ordered_json::parse(part) : nlohmann::ordered_json(part));
      }
      return list;
    } else if constexpr (std::is_same_v<T, std::optional<std::size_t>>) {
      return *value;
    } else if constexpr (std::is_same_v<T, std::filesystem::path>) {
      return path_text(value);
    } else {
      return value;
    }
  }
};

using config_kind = config_value::kind;

template <class T>
[[nodiscard]] config_kind kind_of() {
  if (std::is_same_v<T, bool>) return config_kind::flag;
  if (std::is_same_v<T, comma_list>) return config_kind::list;
  if (std::is_same_v<T, std::string> || std::is_same_v<T, std::filesystem::path>) return config_kind::text;
  return config_kind::number;
}

[[nodiscard]] std::string found_in(const config_value& setting) {
  switch (setting.type) {
    case config_kind::flag:
      return setting.value;
    case config_kind::number:
      return "the number " + setting.value;
    case config_kind::text:
      return "the text " + detail::in_quotes(setting.value);
    default:
      return "a list";
  }
}

/// Takes from a configuration file what the command line does not say, and returns the names of what it took.
std::set<std::string> take_config(CLI::App& app, typed_settings& t, const std::filesystem::path& file) {
  std::map<std::string, config_kind> known;
  visit_options(t, [&](const char* name, auto& value, const about&) {
    known[name] = kind_of<std::remove_reference_t<decltype(value)>>();
  });
  std::set<std::string> taken;
  for (const config_value& setting : read_config(file)) {
    const auto refuse = [&](const char* expected, const std::string& found) {
      throw localis::config_error(localis::text(file.string(), ": ", detail::in_quotes(setting.name), ": expected ",
                                                expected, ", found ", found));
    };
    const auto option = known.find(setting.name);
    if (option == known.end()) refuse("the name of an option, as --help lists them", "none of that name");
    const config_kind kind = option->second;
    const bool list_of_one = kind == config_kind::list && setting.type != config_kind::flag;
    if (setting.type != kind && !list_of_one) {
      refuse(kind == config_kind::flag     ? "true or false"
             : kind == config_kind::number ? "a number"
             : kind == config_kind::text   ? "text"
                                           : "a list, text or a number",
             found_in(setting));
    }
    CLI::Option* chosen = app.get_option("--" + setting.name);
    if (chosen->count() > 0) continue;
    try {
      chosen->add_result(setting.value);
      chosen->run_callback();
    } catch (const CLI::Error& failure) {
      throw localis::config_error(localis::text(file.string(), ": ", failure.what()));
    }
    taken.insert(setting.name);
  }
  return taken;
}

/// What a name of one option and the text of another mean together.
void complete(typed_settings& t, const CLI::App& app, const std::set<std::string>& from_file) {
  settings& s = t.s;
  const auto given = [&app](const char* name) { return app.get_option(name)->count() > 0; };
  if (s.digits && given("--data")) {  // one of the two: the command line's
    localis::expect(from_file.count("digits") != from_file.count("data"), "--digits", "no --data beside it", t.data);
    s.digits = from_file.count("digits") == 0;
  }
  s.data_given = given("--data") && !s.digits;
  if (s.data_given) parse_data(s, t.data);
  s.validation_given = given("--validation");
  if (s.quick) {
    if (!given("--epochs")) s.epochs = quick_epochs(s.of);
    if (!given("--pictures")) s.pictures = 3000;
    if (!s.validation_given) s.validation = 1000;
    s.test_pictures = 2000;
  }
  s.seeds = parse_seeds(t.seeds.text);
  if (s.of.of_rules) parse_local_rates(s, t.local_rates.text);
  choose_runs(s, t.only.text);
  localis::expect(t.normalization == "running" || t.normalization == "batch", "--prefix-normalization",
                  "running or batch", t.normalization);
  s.normalization =
      t.normalization == "batch" ? localis::prefix_normalization::batch : localis::prefix_normalization::running;
  check(s);
}

/// Below the options.
[[nodiscard]] std::string footer(const program& of) {
  const std::string name = of.name;
  const std::string some = of.of_rules ? "oja,bcm,frozen" : "sgd,localized-dynamic";
  std::map<std::string, std::vector<std::string>> followers;
  for (const run_kind& kind : of.kinds) {
    if (!kind.follows.empty()) followers[typed_name(kind.follows)].push_back(typed_name(kind.name));
  }
  std::string runs = "Runs: " + joined(typed_names(of), ", ") + '.';
  for (const auto& [first, then] : followers)
    runs += ' ' + first + " is run too where it is wanted by " + joined(then, ", ") + '.';
  return wrapped(runs, line) + "\n\nExamples:\n  " + name + " --quick\n      the usual runs on a few pictures\n  " +
         name + " --dry-run --batch 256" + (of.of_models ? " --data cifar10:FOLDER" : "") +
         "\n      the network, and the memory that its runs would take\n  " + name + " --only " + some +
         " --seeds 1,2,3 --every 500 --out a\n      some runs from three seeds, stored every 500 steps\n  " + name +
         " --config a/run.json --resume --out a\n      goes on where that was interrupted\n  " + name +
         " --config a/run.json --epochs 20 --out b\n      the same for longer; the command line wins over the file\n"
         "\nA configuration file is a JSON object whose names are those of options, without the dashes:\n"
         "  {\"epochs\": 10, \"seeds\": [1, 2, 3], \"prefix-normalization\": \"batch\"}\n"
         "The output folder's run.json is one: all settings of the runs, as they were in force.\n"
         "\nCtrl-C stops at the next step, stores the run under way, and keeps what is done; a second one just ends.\n"
         "\nExit status:\n" +
         exit_statuses + (of.of_rules ? "" : "  3    training diverged; the other runs were done\n") +
         "  130  interrupted by SIGINT (Ctrl-C), the run under way was stored\n"
         "  143  the same by SIGTERM";
}

}  // namespace

settings read_settings(CLI::App& app, int argc, const char* const* argv, const program& of, settings s) {
  s.of = of;
  typed_settings t = typed(s);
  t.data.clear();
  app.get_formatter()->column_width(column);
  app.footer(footer(of));
  std::filesystem::path config;
  app.add_option("--config", config, "takes options that are not on the command line from this file, see below")
      ->group(general)
      ->type_name("FILE");
  app.add_flag("--dry-run", t.s.dry_run,
               "shows the network, the memory it would take and the runs; reads no pictures, writes nothing")
      ->group(general);
  visit_options(t, add_option{app});
  app.parse(argc, argv);

  std::set<std::string> from_file;
  if (app.get_option("--config")->count() > 0) from_file = take_config(app, t, config);
  try {
    complete(t, app, from_file);
  } catch (const localis::config_error& failure) {
    const std::string what = failure.what();
    const std::string name = what.substr(0, what.find(": ")).erase(0, 2);  // of "--epochs: expected ..."
    if (from_file.count(name) == 0) throw;
    throw localis::config_error(localis::text(config.string(), ": ", what));
  }
  return t.s;
}

nlohmann::ordered_json settings_json(const settings& s) {
  nlohmann::ordered_json result = nlohmann::ordered_json::object();
  typed_settings t = typed(s);
  visit_options(t, write_option{result});
  return result;
}

}  // namespace examples
