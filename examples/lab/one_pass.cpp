// One pass: a local rule learns the features of three convolutions from a few thousand pictures, without labels; the
// features of all pictures are computed once, and a linear classifier learns from them. The baselines are random
// features and gradient descent from end to end, in the same convolutions and in a smaller network, with several
// budgets. Every run is held against the accuracy that gradient descent has at the same cost. one_pass --help lists the
// options.

#include "one_pass.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <iterator>
#include <string>
#include <type_traits>
#include <vector>

#include "../reproduce/soft_hebb.hpp"
#include "cifar_parts.hpp"
#include "comparison.hpp"
#include "fresh_model.hpp"
#include "frontier.hpp"
#include "report/format.hpp"
#include "seed_table.hpp"
#include "settings.hpp"
#include "typed_settings.hpp"

#include <localis/localis.hpp>
#include <localis/zoo/six_stages.hpp>

namespace lo = localis;
using examples::one_pass_options;
using examples::run_cost;
using examples::seed_table;

namespace {

using sanger = lo::rule::local<lo::rule::sanger, lo::rule::relative_step, lo::rule::unit_rows>;
/// Its rule takes no step: stages before the boundary are frozen.
using small_network = lo::zoo::six_stages_32<10, lo::rule::local<lo::rule::oja>>;
// clang-format off
/// The convolutions of the features in the usual order, for gradient descent.
template <std::size_t Units, class Rule = lo::rule::local<lo::rule::oja>>
using usual_network = lo::network<lo::image<32, 32, 3>,
    lo::conv2d<Units, 5, lo::padding<2>, Rule>, lo::batch_norm, lo::relu,
    lo::max_pool2d<4, lo::stride<2>, lo::padding<1>>,
    lo::conv2d<4 * Units, 3, lo::padding<1>, Rule>, lo::batch_norm, lo::relu,
    lo::max_pool2d<4, lo::stride<2>, lo::padding<1>>,
    lo::conv2d<16 * Units, 3, lo::padding<1>, Rule>, lo::batch_norm, lo::relu,
    lo::average_pool2d<2>, lo::dropout, lo::dense<10>>;
// clang-format on

/// A run of gradient descent.
struct descent {
  const char* name;
  std::size_t epochs;
  bool freezes = false;  ///< all convolutions, in the last epoch
  bool halves = false;   ///< the pictures
};
constexpr std::size_t largest_budget = 4;
constexpr descent descents[] = {
    {"sgd, 1/2 epoch", 1, false, true}, {"sgd, 1 epoch", 1},          {"sgd, 2 epochs", 2}, {"sgd, 3 epochs", 3},
    {"sgd, 4 epochs", largest_budget},  {"frozen, 3 epochs", 3, true}};
constexpr descent small_descents[] = {{"six stages, 2 epochs", 2}, {"six stages, 3 epochs", 3}};
constexpr const char* rules[] = {"random features", "principal components", "soft_hebb"};

constexpr double rates[] = {0.02, 0.05, 0.1, 0.2};  // of gradient descent, for the first seed
constexpr double sanger_rates[] = {1e-3, 1e-2, 3e-2};

/// Where a run's results belong, and what it needs.
struct setting {
  seed_table& found;
  std::string column;
  std::uint64_t seed;
  const examples::cifar_parts& data;
  const one_pass_options& chosen;
};

struct outcome {
  double accuracy = -1;  ///< below 0: the run diverged
  run_cost cost;
};

template <class Network>
void descend(const descent& run, const setting& s) {
  using model_type = lo::model<Network>;
  if (s.found.has(run.name, s.column, s.seed)) return;
  constexpr std::size_t batch = 64;
  const auto train = [&](double rate, const lo::data::any& pictures) {
    const lo::cpu::backend<float> backend{{.threads = s.chosen.threads}};  // one for each run: it counts the bytes
    model_type model = [&] {
      if constexpr (std::is_same_v<Network, small_network>) return examples::fresh_model<model_type>(backend, s.seed);
      return model_type{{.seed = s.seed}, backend};
    }();
    const lo::scheduler::linear moving{.begin = run.epochs / 3, .last = run.freezes ? Network::highest_boundary : 0};
    lo::trainer trainer(model, moving, lo::supervision::none{},
                        {.epochs = run.epochs, .batch = batch, .local_rate = 0, .seed = s.seed},
                        lo::optimizer::sgd{.momentum = 0.9, .weight_decay = 5e-4},
                        lo::learning_rate::warm_up{lo::learning_rate::cosine{.rate = rate}, 0.5, 0.1});
    try {
      const std::size_t count = s.data.train.size() / (run.halves ? 2 : 1);
      trainer.fit(lo::data::subset<lo::data::any>(s.data.train, 0, count));
    } catch (const lo::divergence_error&) {
      return outcome{};  // a rate too high
    }
    const lo::report& report = trainer.report();
    return outcome{lo::evaluate(model, pictures).accuracy,
                   {std::to_string(batch), report.memory.peak, report.processor_seconds()}};
  };
  const double rate =
      s.found.choose(run.name, s.column, rates, [&](double one) { return train(one, s.data.validation).accuracy; });
  const outcome result = train(rate, s.data.test);
  if (result.accuracy < 0) {
    std::cout << run.name << ", seed " << s.seed << ": diverged" << std::endl;
    return;
  }
  s.found.set(run.name, s.column, s.seed, result.accuracy, result.cost);
}

/// The features that a rule has learned, and a classifier of them.
/// @param rate  of the rule
template <std::size_t Units, class Rule>
outcome classify(double rate, const lo::data::any& pictures, const setting& s) {
  namespace soft_hebb = examples::soft_hebb;
  const lo::cpu::backend<float> backend{{.threads = s.chosen.threads}};
  const lo::data::subset<lo::data::any> some(s.data.train, 0, std::min(s.chosen.learned_pictures, s.data.train.size()));
  const lo::detail::stopwatch watch;
  const auto model = soft_hebb::learned<Units, Rule>(rate, some, s.seed, backend);
  const auto train = soft_hebb::features_of<Units>(model, s.data.train);
  const double seconds = watch.processor_seconds();
  const auto held = soft_hebb::features_of<Units>(model, pictures);
  const auto found = soft_hebb::classify<Units>(train, held, s.chosen.epochs, s.seed, backend);
  const std::size_t bytes = train.features.size() * sizeof(float) + found.report.memory.peak;
  return {found.accuracy, {"10, 64", bytes, seconds + found.report.processor_seconds()}};
}

template <std::size_t Units>
void compare_network(const setting& s) {
  using soft_hebb = examples::soft_hebb::rule;
  const auto run = [&]<class Rule>(const char* name, double rate) {
    if (s.found.has(name, s.column, s.seed)) return;
    const outcome result = classify<Units, Rule>(rate, s.data.test, s);
    s.found.set(name, s.column, s.seed, result.accuracy, result.cost);
  };
  run.template operator()<soft_hebb>(rules[0], 1e-30);
  run.template operator()<sanger>(rules[1], s.found.choose(rules[1], s.column, sanger_rates, [&](double rate) {
    return classify<Units, sanger>(rate, s.data.validation, s).accuracy;
  }));
  run.template operator()<soft_hebb>(rules[2], 1);
  for (const descent& one : descents) descend<usual_network<Units>>(one, s);
  for (const descent& one : small_descents) descend<small_network>(one, s);
}

/// What the runs of a network gain, held against gradient descent.
examples::further_table gains(const seed_table& found, const std::string& column) {
  std::vector<examples::run_kind> kinds;
  for (const descent& one : descents) {
    if (one.freezes) continue;
    kinds.push_back(
        {.name = one.name, .budget = static_cast<double>(one.epochs) / (one.halves ? 2 : 1) / largest_budget});
  }
  const std::vector<examples::run_result> runs = found.runs(column);
  const auto table = examples::compare(runs, {1.0}, 0);
  const examples::frontier curve = examples::frontier_of(runs, table, kinds, false);
  return {column, examples::frontier_cells(curve), examples::frontier_verdicts(curve)};
}

int compare(const one_pass_options& chosen) {
  const std::vector<std::uint64_t> seeds = examples::parse_seeds(chosen.seeds);
  std::vector<std::string> columns;
  const std::vector<std::uint64_t> channels = examples::parse_seeds(chosen.channels);
  for (const std::uint64_t units : channels) {
    lo::expect(units == 12 || units == 24 || units == 48, "--channels", "12, 24 or 48", units);
    columns.push_back(lo::text(units, ", ", 4 * units, ", ", 16 * units, " channels"));
  }
  lo::expect(chosen.learned_pictures > 0, "--learned-pictures", "at least 1", chosen.learned_pictures);
  const examples::cifar_parts data = examples::read_cifar_parts(chosen.data, chosen.pictures, false);
  const std::string facts = lo::text(
      "CIFAR-10, ", examples::grouped(data.train.size()),
      " training pictures as they are. Features: the network of "
      "SoftHebb, whose rule (soft_hebb) or Sanger's (principal components) learns from ",
      examples::grouped(std::min(chosen.learned_pictures, data.train.size())),
      " of them in one pass, without labels; then ", chosen.epochs,
      " epochs of a linear classifier on the features of all, which are computed once. sgd and frozen: the same "
      "convolutions, each with batch normalization and a rectifier behind it. Rates of gradient descent and of "
      "Sanger's "
      "rule are the best of some on 5,000 other pictures, for the first seed. Costs are seconds of the processor; the "
      "features of all pictures count in the peak.");
  std::vector<std::string> ways(std::begin(rules), std::end(rules));
  for (const descent& one : descents) ways.push_back(one.name);
  for (const descent& one : small_descents) ways.push_back(one.name);
  seed_table found(chosen, "Features in one pass", facts, ways, columns);
  for (const std::uint64_t seed : seeds) {
    for (std::size_t i = 0; i < channels.size(); ++i) {
      const setting s{found, columns[i], seed, data, chosen};
      switch (channels[i]) {
        case 12:
          compare_network<12>(s);
          break;
        case 24:
          compare_network<24>(s);
          break;
        default:
          compare_network<48>(s);
      }
    }
  }
  std::vector<examples::further_table> further;
  for (const std::string& column : columns) further.push_back(gains(found, column));
  found.report(further);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return examples::one_pass(argc, argv, compare); }
