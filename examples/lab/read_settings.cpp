#include "read_settings.hpp"

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "option_table.hpp"
#include "read_config.hpp"
#include "report/format.hpp"
#include "report/path_text.hpp"
#include "report/run_program.hpp"
#include "settings.hpp"
#include "typed_settings.hpp"
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <localis/core/error.hpp>
#include <localis/scheduler/scheduler.hpp>

namespace examples {

namespace {

/// What is wrong with the text of a count; empty if nothing is wrong.
[[nodiscard]] std::string whole_number(const std::string& text) {
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  return digits ? "" : "expected a whole number of at least 0, found " + text;
}

/// Whether there is a value to show; what is left to the run has none.
template <class T>
[[nodiscard]] bool has_value(const T& value) {
  if constexpr (std::is_same_v<T, std::size_t>) return value != localis::scheduler::highest;
  if constexpr (std::is_same_v<T, std::optional<std::size_t>>) return value.has_value();
  if constexpr (std::is_same_v<T, comma_list>) return !value.text.empty();
  if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, std::filesystem::path>) return !value.empty();
  return true;
}

/// The text in lines of at most `width` letters.
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
constexpr std::size_t line = 110;   ///< letters in a line of --help
constexpr std::size_t column = 34;  ///< letters before the meaning of an option

/// Adds each option that it visits to the command line.
struct add_option {
  CLI::App& app;

  void operator()(const std::string& name, bool& value, const option_text& text) const {
    app.add_flag("--" + name, value, shown(text))->group(text.group);
  }
  template <class T>
  void operator()(const std::string& name, T& value, const option_text& text) const {
    CLI::Option* added = nullptr;
    if constexpr (std::is_same_v<T, comma_list>) {
      added = app.add_option("--" + name, value.text, shown(text));
    } else {
      added = app.add_option("--" + name, value, shown(text));
    }
    added->group(text.group)->type_name(text.unit);
    if (has_value(value)) added->capture_default_str();
    if constexpr (std::is_same_v<T, std::size_t> || std::is_same_v<T, std::optional<std::size_t>>) {
      added->check(&whole_number);  // or else -1 would come back as 2^64 - 1
    }
  }
  [[nodiscard]] static std::string shown(const option_text& text) { return wrapped(text.meaning, line - column); }
};

/// Writes the value of each option that it visits and that says what is run.
struct write_option {
  nlohmann::ordered_json& object;

  template <class T>
  void operator()(const char* name, const T& value, const option_text& text) const {
    if (text.of_run && has_value(value)) object[name] = json_of(value);
  }
  template <class T>
  [[nodiscard]] static nlohmann::ordered_json json_of(const T& value) {
    if constexpr (std::is_same_v<T, comma_list>) {
      nlohmann::ordered_json list = nlohmann::ordered_json::array();
      for (const std::string& part : list_parts(value.text)) {
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

/// Gives the settings of a configuration file to the options that the command line does not have, and returns their
/// names. CLI11's own hook for files, CLI::Config, would leave as much to do: it is handed a stream without the file's
/// name, which messages begin with; each value is text to it, so that {"epochs": "2"} would pass; and it does not tell
/// which options a file has set.
std::set<std::string> take_config(CLI::App& app, typed_settings& t, const std::filesystem::path& file) {
  std::map<std::string, config_kind> known;
  visit_options(t, [&](const char* name, auto& value, const option_text&) {
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

/// What --help says below the options.
[[nodiscard]] std::string footer(const program& comparison) {
  const std::string name = comparison.name;
  const std::string some = comparison.of_rules ? "oja,bcm,frozen" : "sgd,localized-dynamic";
  std::map<std::string, std::vector<std::string>> followers;
  for (const run_kind& kind : comparison.kinds) {
    if (!kind.follows.empty()) followers[typed_name(kind.follows)].push_back(typed_name(kind.name));
  }
  std::string runs = "Runs: " + joined(typed_names(comparison), ", ") + '.';
  for (const auto& [run, dependents] : followers)
    runs += ' ' + run + " is run too where it is wanted by " + joined(dependents, ", ") + '.';
  return wrapped(runs, line) + "\n\nExamples:\n  " + name + " --quick\n      the usual runs on a few pictures\n  " +
         name + " --dry-run --batch 256" + (comparison.of_models ? " --data cifar10:FOLDER" : "") +
         "\n      the network, and the memory that its runs would take\n  " + name + " --only " + some +
         " --seeds 1,2,3 --every 500 --out a\n      some runs from three seeds, stored every 500 steps\n  " + name +
         " --config a/run.json --resume --out a\n      goes on where that was interrupted\n  " + name +
         " --config a/run.json --epochs 20 --out b\n      the same for longer; the command line wins over the file\n"
         "\nA configuration file is a JSON object whose names are those of options, without the dashes:\n"
         "  {\"epochs\": 10, \"seeds\": [1, 2, 3], \"prefix-normalization\": \"batch\"}\n"
         "The output folder's run.json is one: all settings of the runs, as they were in force.\n"
         "\nCtrl-C stops at the next step, stores the run under way, and keeps what is done; a second one just ends.\n"
         "\nExit status:\n" +
         exit_statuses + (comparison.of_rules ? "" : "  3    training diverged; the other runs were done\n") +
         "  130  interrupted by SIGINT (Ctrl-C), the run under way was stored\n"
         "  143  the same by SIGTERM";
}

}  // namespace

settings read_settings(CLI::App& app, int argc, const char* const* argv, const settings& defaults) {
  typed_settings t = typed(defaults);
  t.data.clear();
  app.get_formatter()->column_width(column);
  app.footer(footer(defaults.comparison));
  std::filesystem::path config;
  app.add_option("--config", config, "takes options that are not on the command line from this file, see below")
      ->group(runs_group)
      ->type_name("FILE");
  app.add_flag("--dry-run", t.s.dry_run,
               "shows the network, the memory it would take and the runs; reads no pictures, writes nothing")
      ->group(runs_group);
  visit_options(t, add_option{app});
  app.parse(argc, argv);

  std::set<std::string> from_file;
  if (app.get_option("--config")->count() > 0) from_file = take_config(app, t, config);
  try {
    complete(
        t, [&app](const std::string& name) { return app.get_option("--" + name)->count() > 0; }, from_file);
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
