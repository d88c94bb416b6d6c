// The comparison of all local rules: the network of the comparison of boundaries, one static boundary, and before it
// each shipped rule by turns, beside freezing, plain gradient descent, and less of that. `rules --help` lists what can
// be chosen.

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

#include "cpu_backend.hpp"
#include "fresh_model.hpp"
#include "lab.hpp"
#include "rule_program.hpp"
#include "rule_run.hpp"
#include "settings.hpp"

#include <localis/localis.hpp>
#include <localis/zoo/six_stages.hpp>

namespace lo = localis;
using examples::lab;
using examples::settings;

namespace {

/// All stages learn by gradient, and those with large maps take its products at every other position, or nearly so.
using sampled = lo::model<lo::zoo::six_stages<10, lo::rule::local<lo::rule::gradient, lo::rule::sampled_rows>>>;

sampled sampled_model(const settings& chosen, std::uint64_t seed) {
  constexpr std::size_t large = 14 * 14;  // positions
  sampled fresh = examples::fresh_model<sampled>(examples::cpu_backend(chosen), seed);
  fresh.for_each_layer([](const lo::operation& op, auto& layer) {
    if constexpr (requires { layer.local().rows.every; }) layer.local().rows.every = op.out.positions() < large ? 1 : 2;
  });
  return fresh;
}

using like = lo::model<lo::zoo::six_stages<10, lo::rule::local<lo::rule::oja, lo::rule::relative_step>>>;

void all_runs(lab& lab, std::uint64_t seed) {
  const settings& s = lab.all().chosen;
  const auto baseline = [&](const char* name, bool gradient, lo::prefix_normalization normalization,
                            std::size_t epochs) {
    // No local rule is at work: any would do.
    examples::run_rule(lab, {name, seed, gradient, {.local_rate = 0, .normalization = normalization, .epochs = epochs}},
                       lo::rule::oja{});
  };
  baseline("sgd", true, s.normalization, s.epochs);
  lab.run("sgd sampled", seed, [&s](std::uint64_t first) { return sampled_model(s, first); },
          lo::scheduler::linear{.begin = 0, .last = 0}, lo::supervision::none{},
          {.local_rate = 0, .normalization = s.normalization, .epochs = s.epochs});
  baseline("frozen", false, s.normalization, s.epochs);
  baseline("frozen (batch)", false, lo::prefix_normalization::batch, s.epochs);
  lo::rule::for_each_rule(lo::rule::shipped{}, [&]<class Rule>(std::type_identity<Rule>) {
    const examples::run_kind& kind = *s.comparison.find(lo::rule::name<Rule>());
    examples::run_rule(lab,
                       {std::string(kind.name),
                        seed,
                        false,
                        {.local_rate = s.rate_of(kind), .normalization = s.normalization, .epochs = s.epochs}},
                       examples::compared<Rule>);
  });
  if (s.wants("sgd short")) baseline("sgd short", true, s.normalization, examples::short_epochs(lab, "oja", seed));
}

int compare(const settings& chosen) {
  const auto make = [&](std::uint64_t seed) {
    return examples::fresh_model<like>(examples::cpu_backend(chosen), seed);
  };
  return examples::compare<like>(
      chosen, [&] { return examples::load_pictures(chosen); }, make, all_runs);
}

}  // namespace

int main(int argc, char** argv) { return examples::run_comparison(examples::rules_program(), argc, argv, compare); }
