#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <localis/backend/cpu/resources.hpp>
#include <localis/core/communicator.hpp>
#include <localis/core/operation.hpp>
#include <localis/learning_rate/cosine.hpp>
#include <localis/learning_rate/warm_up.hpp>
#include <localis/optimizer/sgd.hpp>
#include <localis/scheduler/dynamic.hpp>
#include <localis/scheduler/linear.hpp>
#include <localis/supervision/loss_gain.hpp>

namespace examples {

/// A run of a comparison.
struct run_kind {
  std::string_view name;
  std::string_view note{};             ///< beside the name in tables
  bool usual = true;                   ///< done unless --only says otherwise
  std::string_view follows{};          ///< the run whose outcome it needs
  bool rule = false;                   ///< its name is that of its rule
  bool supervised = false;             ///< and that rule is
  bool pairs = false;                  ///< and compares samples in pairs, which one rank alone can
  bool frontier = false;               ///< done by --frontier
  bool cached = false;                 ///< keeps features, which it can where pictures are the same in every epoch
  std::optional<std::size_t> style{};  ///< in plots; left out: its place in the list
  double budget = 0;                   ///< of a point of SGD's own curve: its epochs, as a fraction of --epochs
};

/// The epochs of a point of SGD's own curve, where the other runs have `epochs`.
[[nodiscard]] inline std::size_t epochs_of(const run_kind& kind, std::size_t epochs) {
  return std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(kind.budget * static_cast<double>(epochs))));
}

/// A program that compares runs.
struct program {
  const char* name = "";
  const char* what = "";              ///< does it: a sentence, for --help
  const char* network = "";           ///< that it trains, by its name in localis::zoo
  std::span<const run_kind> kinds{};  ///< in the order in which they are done
  bool of_rules = false;              ///< local rules under one static boundary, each run with a rate of its own
  bool of_models = false;             ///< a published network, on pictures of any of the kinds

  [[nodiscard]] const run_kind* find(std::string_view run) const {
    for (const run_kind& kind : kinds) {
      if (kind.name == run) return &kind;
    }
    return nullptr;
  }
  /// The number of the style in which plots draw a run.
  [[nodiscard]] std::size_t style_of(std::string_view run) const {
    for (std::size_t place = 0; place < kinds.size(); ++place) {
      if (kinds[place].name == run) return kinds[place].style.value_or(place);
    }
    return 0;
  }
};

/// "frozen static (batch)" as it is typed: frozen-static-batch.
[[nodiscard]] inline std::string typed_name(std::string_view name) {
  std::string result;
  for (const char letter : name) {
    if (letter == '(' || letter == ')') continue;
    result += letter == ' ' ? '-' : letter;
  }
  return result;
}

[[nodiscard]] inline std::vector<std::string> typed_names(const program& comparison) {
  std::vector<std::string> names;
  for (const run_kind& kind : comparison.kinds) names.push_back(typed_name(kind.name));
  return names;
}

enum class data_kind { fashion, cifar10, cifar100, folder };
inline constexpr std::pair<std::string_view, data_kind> data_kinds[] = {{"fashion", data_kind::fashion},
                                                                        {"cifar10", data_kind::cifar10},
                                                                        {"cifar100", data_kind::cifar100},
                                                                        {"folder", data_kind::folder}};

/// All that can be chosen; see --help.
struct settings {
  program comparison{};
  bool quick = false;
  bool digits = false;
  bool all_frozen = false;
  bool frontier = false;          ///< the runs of the frontier are added
  std::vector<std::string> runs;  ///< names, in the order of the program's kinds
  std::string added;              ///< runs not asked for, but needed
  std::vector<std::uint64_t> seeds{1};

  data_kind source = data_kind::fashion;
  std::filesystem::path data = "/usr/share/datasets/fashion-mnist";
  bool data_given = false;
  bool plain = false;         ///< training pictures are not changed
  std::size_t cutout = 0;     ///< pixels
  bool skip_corrupt = false;  ///< in folders
  bool zero_gamma = false;
  std::filesystem::path out;          ///< empty: a fresh folder
  bool resume = false;                ///< runs that are in that folder's report are not done again
  bool other_machine = false;         ///< nor done by the same compiler, processor, threads or library
  bool dry_run = false;               ///< nothing is done but told
  std::filesystem::path checkpoints;  ///< folder; empty: one in `out`
  std::size_t every = 0;              ///< steps; 0: runs are stored when they are interrupted, and never else
  std::size_t keep = 3;               ///< checkpoints of each run
  std::size_t validation = 5000;
  bool validation_given = false;
  std::size_t pictures = 0;       ///< for training; 0: all
  std::size_t test_pictures = 0;  ///< 0: all

  // Rates and the dynamic boundary's values are those that did best on the validation split among a few that were
  // tried.
  std::size_t epochs = 5;
  std::optional<std::size_t> short_epochs;
  std::size_t batch = 64;
  bool diagnose = false;        ///< whether local updates are compared with the gradient after each epoch
  std::size_t threads = 0;      ///< of a rank
  localis::rank_options ranks;  ///< how several train together
  localis::cpu::convolution convolution = localis::cpu::convolution::fast;
  localis::cpu::precision precision = localis::cpu::precision::float32;
  localis::learning_rate::warm_up<localis::learning_rate::cosine> learning_rate{
      .base = {.rate = 0.05}, .epochs = 0.5, .start_factor = 0.1};
  localis::optimizer::sgd optimizer{.momentum = 0.9, .weight_decay = 5e-4};
  double local_rate = 1e-6;
  double supervised_rate = 0.1;                            ///< of supervised rules, in fractions of the learning rate
  std::map<std::string, double, std::less<>> local_rates;  ///< by rule, in place of the two
  std::map<std::string, double, std::less<>> rates;        ///< by run, in place of the learning rate
  std::size_t cache = 2000;                                ///< megabytes of features that cached runs keep
  double average_decay = 0.99;                             ///< of the weights that averaged stages take over
  localis::prefix_normalization normalization = localis::prefix_normalization::running;

  localis::scheduler::linear linear;
  localis::scheduler::dynamic dynamic{.alpha = 1.2, .shift = 2};
  localis::supervision::loss_gain gain;
  std::size_t interleave = 2;  ///< steps
  double prefix_rate = 2;

  [[nodiscard]] bool wants(std::string_view run) const {
    return std::find(runs.begin(), runs.end(), run) != runs.end();
  }
  /// The learning rate of a run.
  [[nodiscard]] double learning_rate_of(std::string_view run) const {
    const auto own = rates.find(run);
    return own == rates.end() ? learning_rate.base.rate : own->second;
  }
  [[nodiscard]] double rate_of(const run_kind& kind) const {
    const auto own = local_rates.find(kind.name);
    if (own != local_rates.end()) return own->second;
    return kind.supervised ? supervised_rate * learning_rate.base.rate : local_rate;
  }
};

/// Whether training pictures differ from epoch to epoch.
[[nodiscard]] inline bool changes_pictures(const settings& s) {
  return s.comparison.of_models && (!s.plain || s.cutout > 0);
}

/// Whether the embedded digits stand in for Fashion-MNIST: where they were chosen, or where it is not in its usual
/// place and nobody named another.
[[nodiscard]] inline bool takes_digits(const settings& s) {
  std::error_code ignored;
  return s.digits || (s.source == data_kind::fashion && !s.data_given && !std::filesystem::exists(s.data, ignored));
}

}  // namespace examples
