// Fixed memory: every run may hold a quarter or an eighth of the bytes of gradient descent. Gradient descent then takes
// smaller batches, whose gradients it may accumulate; a network whose first stages learn locally, or keep their random
// weights, from the first step on stores less of a batch and takes a larger one, and so does one whose first stages
// learn by gradient from a part of the batch. fixed_memory --help lists the options.

#include "fixed_memory.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <iterator>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "cifar_parts.hpp"
#include "comparison.hpp"
#include "fresh_model.hpp"
#include "report/format.hpp"
#include "seed_table.hpp"
#include "typed_settings.hpp"
#include "with_learning_rate.hpp"

#include <localis/localis.hpp>
#include <localis/zoo/six_stages.hpp>

namespace lo = localis;
using examples::fixed_memory_options;

namespace {

constexpr double rates[] = {0.01, 0.03, 0.1};  // of gradient descent, for the first seed
constexpr std::size_t divisors[] = {4, 8};     // of the bytes of gradient descent

constexpr const char* ways[] = {"sgd", "sgd accumulated", "part_batch", "oja", "similarity_error", "frozen random"};

/// A supervised rule takes steps of its own, another one changes the weights by a fraction of their norm.
template <class Rule>
using with_step = std::conditional_t<lo::rule::supervised<Rule>, lo::rule::local<Rule>,
                                     lo::rule::local<Rule, lo::rule::relative_step>>;
template <class Rule>
using network = lo::model<lo::zoo::six_stages_32<10, with_step<Rule>>>;

struct way {
  const char* name = "";
  std::size_t boundary = 0;
  double local_rate = 0;     ///< of a supervised rule: in fractions of the learning rate
  bool accumulates = false;  ///< gradients, up to those of --batch pictures
  double fraction = 0;       ///< of the batch that the stages before the boundary learn from by gradient

  [[nodiscard]] lo::scheduler::any scheduler() const {
    const lo::scheduler::fixed fixed{boundary};
    if (fraction > 0) return lo::scheduler::any(lo::scheduler::part_batch{fixed, fraction});
    return lo::scheduler::any(fixed);
  }
};

/// The bytes of a run by its plan: the parameters, the largest step, and the optimizer's arrays, of which accumulation
/// needs another.
template <class Model>
std::size_t planned_bytes(const Model& model, const way& chosen, std::size_t batch) {
  constexpr std::size_t sums = 4096;  // of losses and of changes, a number or two for each array of parameters
  const lo::summary s = model.summary({.batch = batch,
                                       .lowest_boundary = chosen.boundary,
                                       .highest_boundary = chosen.boundary,
                                       .local_learning = chosen.local_rate > 0,
                                       .part_samples = lo::detail::part_samples(chosen.fraction, batch)});
  const lo::summary::memory_row& step = s.memory.front();
  const std::size_t arrays = chosen.accumulates ? 2 : 1;
  return s.parameter_bytes + s.rule_state_bytes + step.arena + arrays * step.optimizer_arrays + sums;
}

struct outcome {
  double accuracy = -1;  ///< below 0: the run diverged
  examples::run_cost cost;
};

/// Does a run and keeps what it found, unless it is done.
/// @param limit  bytes that it may hold
template <class Rule>
void run(examples::seed_table& found, const way& what, const std::string& condition, std::size_t limit,
         std::uint64_t seed, const examples::cifar_parts& data, const fixed_memory_options& chosen) {
  if (found.has(what.name, condition, seed)) return;
  const auto tell = [&](const char* what_happened) {
    std::cout << what.name << ", " << condition << ", seed " << seed << ": " << what_happened << std::endl;
  };
  const network<Rule> planned{{}, lo::cpu::backend<float>{{.threads = chosen.threads}}};
  std::size_t batch = chosen.batch;
  while (batch > 0 && planned_bytes(planned, what, batch) > limit) --batch;
  if (batch == 0) return tell("not one picture fits");
  const std::size_t accumulated = what.accumulates ? std::max<std::size_t>(1, chosen.batch / batch) : 1;
  const auto train = [&](double rate, const lo::data::any& pictures) -> outcome {
    const lo::cpu::backend<float> backend{{.threads = chosen.threads}};  // one for each run: it counts the bytes
    network<Rule> model = examples::fresh_model<network<Rule>>(backend, seed);
    const lo::learning_rate::warm_up schedule{lo::learning_rate::cosine{.rate = rate}, 0.5, 0.1};
    const auto steps = static_cast<double>((data.train.size() + batch - 1) / batch);
    const auto fraction = [=, epochs = static_cast<double>(chosen.epochs)](std::size_t step) {
      return schedule(static_cast<double>(step) / steps, epochs) / rate;
    };
    lo::trainer trainer(model, what.scheduler(), examples::with_learning_rate{fraction},
                        {.epochs = chosen.epochs,
                         .batch = batch,
                         .local_rate = (lo::rule::supervised<Rule> ? rate : 1) * what.local_rate,
                         .seed = seed},
                        lo::optimizer::sgd{.momentum = 0.9, .weight_decay = 5e-4}, schedule);
    trainer.accumulate_gradients(accumulated);
    try {
      trainer.fit(data.train);
    } catch (const lo::divergence_error&) {
      return {};  // a rate too high for this batch
    }
    const lo::report& report = trainer.report();
    if (report.memory.peak > limit) {
      throw lo::error(
          lo::text(what.name, ": expected at most ", limit, " bytes, as planned; found ", report.memory.peak));
    }
    const std::string added = accumulated > 1 ? " x " + std::to_string(accumulated) : "";
    return {lo::evaluate(model, pictures).accuracy,
            {std::to_string(batch) + added, report.memory.peak, report.seconds}};
  };
  const double rate =
      found.choose(what.name, condition, rates, [&](double one) { return train(one, data.validation).accuracy; });
  const outcome result = train(rate, data.test);
  if (result.accuracy < 0) return tell("diverged");
  found.set(what.name, condition, seed, result.accuracy, result.cost);
}

int compare(const fixed_memory_options& chosen) {
  using lo::rule::oja;
  using lo::rule::similarity_error;
  constexpr std::size_t highest = network<oja>::network_type::highest_boundary;
  lo::expect(chosen.boundary > 0 && chosen.boundary <= highest, "--boundary", lo::text("1 to ", highest).c_str(),
             chosen.boundary);
  lo::expect(chosen.batch > 0, "--batch", "at least 1", chosen.batch);
  lo::expect(chosen.fraction > 0 && chosen.fraction < 1, "--fraction", "a number between 0 and 1", chosen.fraction);
  const std::vector<std::uint64_t> seeds = examples::parse_seeds(chosen.seeds);
  const examples::cifar_parts data = examples::read_cifar_parts(chosen.data, chosen.pictures);
  const way sgd{.name = ways[0]};
  const network<oja> planned{{}, lo::cpu::backend<float>{{.threads = chosen.threads}}};
  const std::size_t all = planned_bytes(planned, sgd, chosen.batch);
  const std::string facts = lo::text(
      "CIFAR-10, six stages, ", examples::grouped(data.train.size()), " training pictures, ", chosen.epochs,
      " epochs; gradient descent with batches of ", chosen.batch, " holds ", examples::megabytes(all),
      " MB. With less, each run takes the largest batch that fits, at most as large; sgd accumulated adds gradients up "
      "to that size. In the others, from the first step on, the first ",
      chosen.boundary, " stages learn by gradient from ", chosen.fraction,
      " of the batch (part_batch), by a rule, or not at all. Learning rates are the best of three on 5,000 "
      "other pictures, for the first seed; local rates are ",
      chosen.local_rate, " of the weights' norm (oja) and ", chosen.supervised_rate,
      " of the learning rate (similarity_error).");
  std::vector<std::string> conditions{"all"};
  for (const std::size_t divisor : divisors) conditions.push_back("1/" + std::to_string(divisor));
  examples::seed_table found(chosen, "Fixed memory", facts, {std::begin(ways), std::end(ways)}, conditions);
  for (const std::uint64_t seed : seeds) {
    run<oja>(found, sgd, conditions[0], all, seed, data, chosen);
    for (std::size_t i = 0; i < std::size(divisors); ++i) {
      const std::string& condition = conditions[i + 1];
      const std::size_t limit = all / divisors[i];
      run<oja>(found, sgd, condition, limit, seed, data, chosen);
      run<oja>(found, {.name = ways[1], .accumulates = true}, condition, limit, seed, data, chosen);
      run<oja>(found, {.name = ways[2], .boundary = chosen.boundary, .fraction = chosen.fraction}, condition, limit,
               seed, data, chosen);
      run<oja>(found, {.name = ways[3], .boundary = chosen.boundary, .local_rate = chosen.local_rate}, condition, limit,
               seed, data, chosen);
      run<similarity_error>(found, {.name = ways[4], .boundary = chosen.boundary, .local_rate = chosen.supervised_rate},
                            condition, limit, seed, data, chosen);
      run<oja>(found, {.name = ways[5], .boundary = chosen.boundary}, condition, limit, seed, data, chosen);
    }
  }
  found.report();
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return examples::fixed_memory(argc, argv, compare); }
