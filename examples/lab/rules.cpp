// The comparison of all local rules: the network of the comparison of boundaries, one static boundary, and before it
// each rule by turns, beside freezing, plain gradient descent, and less of that. `rules --help` lists what can be
// chosen.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "lab.hpp"
#include "main_network.hpp"
#include "rule_run.hpp"
#include "settings.hpp"

#include <localis/localis.hpp>

namespace lo = localis;
using examples::lab;
using examples::rule_run;
using examples::settings;

namespace {

using tanh_hpca = lo::rule::nonlinear_hpca<lo::tanh_function>;

/// A rule of the comparison, its values included.
struct rule_entry {
  examples::run_kind kind;
  void (*run)(lab&, const rule_run&);
};

template <class Rule>
void run(lab& in, const rule_run& what) {
  examples::run_rule(in, what, Rule{});
}

const rule_entry rules[] = {
    {{.name = "hebb", .note = "decay 0.1"},
     [](lab& in, const rule_run& what) { examples::run_rule(in, what, lo::rule::hebb{.decay = 0.1}); }},
    {{.name = "oja"}, run<lo::rule::oja>},
    {{.name = "subspace"}, run<lo::rule::subspace>},
    {{.name = "sanger", .note = "stage 0: oja"}, run<lo::rule::sanger>},
    {{.name = "nonlinear_hpca", .note = "tanh; stage 0: oja"}, run<tanh_hpca>},
    {{.name = "instar"}, run<lo::rule::instar>},
    {{.name = "bcm"}, run<lo::rule::bcm>},
    {{.name = "k_winners", .note = "4 winners"},
     [](lab& in, const rule_run& what) { examples::run_rule(in, what, lo::rule::k_winners{.winners = 4}); }},
    {{.name = "soft_winner_take_all"}, run<lo::rule::soft_winner_take_all>},
    {{.name = "soft_hebb"}, run<lo::rule::soft_hebb>},
    {{.name = "krotov_hopfield"}, run<lo::rule::krotov_hopfield>},
    {{.name = "covariance"}, run<lo::rule::covariance>},
    {{.name = "anti_hebb"}, run<lo::rule::anti_hebb>},
    {{.name = "local_error", .supervised = true}, run<lo::rule::local_error>},
    {{.name = "error_feedback", .supervised = true}, run<lo::rule::error_feedback>},
};

std::vector<examples::run_kind> all_kinds() {
  std::vector<examples::run_kind> kinds{{.name = "sgd"}, {.name = "frozen"}, {.name = "frozen (batch)"}};
  for (const rule_entry& entry : rules) {
    kinds.push_back(entry.kind);
    kinds.back().rule = true;
  }
  kinds.push_back({.name = "sgd short", .follows = "oja"});
  return kinds;
}

// The rule of the runs in which no local rule is at work has no say in them.
constexpr auto no_rule = run<lo::rule::oja>;
using like = lo::model<examples::main_network<lo::rule::local<lo::rule::oja, lo::rule::relative_step>>>;

void all_runs(lab& lab, std::uint64_t seed) {
  const settings& s = lab.all().chosen;
  const auto baseline = [&](const char* name, bool gradient, lo::prefix_normalization normalization,
                            std::size_t epochs) {
    no_rule(lab, {name, seed, gradient, {.local_rate = 0, .normalization = normalization, .epochs = epochs}});
  };
  baseline("sgd", true, s.normalization, s.epochs);
  baseline("frozen", false, s.normalization, s.epochs);
  baseline("frozen (batch)", false, lo::prefix_normalization::batch, s.epochs);
  for (const rule_entry& entry : rules) {
    const examples::run_kind& kind = *s.of.find(entry.kind.name);
    entry.run(lab, {std::string(kind.name),
                    seed,
                    false,
                    {.local_rate = s.rate_of(kind), .normalization = s.normalization, .epochs = s.epochs}});
  }
  if (s.wants("sgd short")) baseline("sgd short", true, s.normalization, examples::short_epochs(lab, "oja", seed));
}

int compare(const settings& chosen) {
  const auto make = [&](std::uint64_t seed) {
    return examples::fresh_model<like>(lo::cpu::backend<float>({.threads = chosen.threads}), seed);
  };
  return examples::compare<like>(
      chosen, [&] { return examples::load_pictures(chosen); }, make, all_runs);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<examples::run_kind> kinds = all_kinds();
  const examples::program rules_program{.name = "rules", .kinds = kinds, .of_rules = true};
  settings defaults;
  defaults.epochs = 10;
  defaults.local_rate = 1e-5;
  return examples::run_comparison(
      rules_program,
      "Trains one network with each local rule before the same boundary, and compares accuracy, time and memory.", argc,
      argv, defaults, compare);
}
