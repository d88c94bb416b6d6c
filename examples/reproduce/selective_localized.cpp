// Repeats the headline of LoCal+SGD on CIFAR-10: how much faster training is, at a loss of at most half a point, if
// early stages learn by a local rule behind a moving boundary. Of several static and dynamic boundaries, the fastest is
// taken whose validation accuracy is good enough; the test pictures say what it has lost, and the curve of gradient
// descent itself, with fewer epochs, what that is worth. selective_localized.hpp says what differs from the paper.

#include "selective_localized.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "../lab/cifar_parts.hpp"
#include "../lab/frontier.hpp"
#include "../lab/gain_or_none.hpp"
#include "../lab/report/format.hpp"
#include "../lab/typed_settings.hpp"
#include "options.hpp"

#include <localis/localis.hpp>
#include <localis/zoo/resnet.hpp>
#include <localis/zoo/six_stages.hpp>
#include <localis/zoo/vgg.hpp>

namespace lo = localis;
using examples::fixed;
using examples::percent;
using examples::run_result;
using examples::table_row;
using examples::reproduce::selective_localized_options;

namespace {

namespace selective_localized = examples::selective_localized;
using rule = lo::rule::local<lo::rule::oja, lo::rule::relative_step>;

template <class Model>
run_result train(const selective_localized::setting& one, std::uint64_t seed, const examples::cifar_parts& data,
                 const selective_localized_options& chosen) {
  const std::size_t epochs = one.epochs(chosen.epochs);
  Model model{{.seed = seed}, lo::cpu::backend<float>{{.threads = chosen.threads}}};
  lo::trainer trainer(
      model, one.scheduler(chosen.epochs), examples::gain_or_none{{}, one.alpha > 0},
      {.epochs = epochs, .batch = chosen.batch, .local_rate = one.is_local() ? chosen.local_rate : 0, .seed = seed},
      lo::optimizer::sgd{.momentum = 0.9, .weight_decay = 5e-4},
      lo::learning_rate::warm_up{lo::learning_rate::cosine{.rate = chosen.learning_rate}, 0.5, 0.1});
  run_result result{.name = std::string(one.kind.name), .seed = seed, .epochs = epochs, .local = one.is_local()};
  try {
    (void)trainer.fit(data.train, data.validation);
    result.test_accuracy = lo::evaluate(model, data.test).accuracy;
  } catch (const lo::divergence_error&) {  // the report says so
  }
  result.report = trainer.report();
  std::printf("  %-12s seed %llu: test %s %%, %s s\n", result.name.c_str(), static_cast<unsigned long long>(seed),
              percent(result.test_accuracy).c_str(), fixed(result.report.seconds, 1).c_str());
  std::fflush(stdout);
  return result;
}

/// All settings, and below them what the family's best one gains.
void tell(const std::vector<table_row>& table) {
  examples::cells rows{{"run", "validation %", "test %", "speed-up", "by products"}};
  for (const table_row& row : table) {
    rows.push_back(
        {row.label, percent(row.validation), percent(row.test), fixed(row.speed_up, 2), fixed(row.model, 2)});
  }
  std::printf("\n%s\n", examples::text_table(rows).c_str());
  const table_row* sgd = examples::detail::find_row(table, "sgd");
  for (const char* family : {"static", "dynamic"}) {
    const table_row* best = selective_localized::choose(table, family);
    if (best == nullptr) {
      std::printf("%s: no boundary is within %s points of sgd on the validation pictures\n", family,
                  percent(selective_localized::most_lost, 1).c_str());
    } else {
      const double lost = sgd->test - best->test;
      std::printf("%s: %s, %s times faster than sgd (up to 1.5 in the paper), test %s points %s\n", family,
                  best->name.c_str(), fixed(best->speed_up, 2).c_str(), percent(std::abs(lost)).c_str(),
                  lost > 0 ? "below it" : "above it");
    }
  }
}

template <class Network>
void repeat(const char* name, const examples::cifar_parts& data, const selective_localized_options& chosen) {
  using model = lo::model<Network>;
  std::printf("%s: %s training pictures, %zu epochs\n", name, examples::grouped(data.train.size()).c_str(),
              chosen.epochs);
  std::vector<run_result> runs;
  for (const std::uint64_t seed : examples::parse_seeds(chosen.seeds)) {
    for (const selective_localized::setting& one : selective_localized::settings) {
      runs.push_back(train<model>(one, seed, data, chosen));
    }
  }
  const auto fractions = model::work_fractions();
  const std::vector<table_row> table = examples::compare(runs, {fractions.begin(), fractions.end()}, chosen.epochs);
  tell(table);
  std::vector<examples::run_kind> kinds;
  for (const selective_localized::setting& one : selective_localized::settings) kinds.push_back(one.kind);
  const examples::frontier curve = examples::frontier_of(runs, table, kinds, true);
  std::printf("\n%s\n", examples::text_table(examples::frontier_cells(curve)).c_str());
  for (const std::string& line : examples::frontier_verdicts(curve)) std::printf("%s\n", line.c_str());
  std::printf("\n");
}

/// A few made-up pictures, in place of CIFAR-10.
examples::cifar_parts synthetic_parts() {
  const auto some = [](std::size_t count, std::size_t first) {
    return lo::data::any(lo::data::synthetic_images(count, 32, 32, 3, 10, 1, 0.6, first));
  };
  return {some(256, 0), some(128, 256), some(128, 384)};
}

int reproduce(const selective_localized_options& chosen) {
  if (chosen.quick) {
    repeat<lo::zoo::six_stages_32<10, rule>>("six stages, synthetic pictures", synthetic_parts(), chosen);
    return 0;
  }
  const examples::cifar_parts data = examples::read_cifar_parts(chosen.data, chosen.pictures);
  if (chosen.network != "resnet18") repeat<lo::zoo::vgg11_32<10, rule>>("VGG-11, CIFAR-10", data, chosen);
  if (chosen.network != "vgg11") repeat<lo::zoo::resnet18_32<10, rule>>("ResNet-18, CIFAR-10", data, chosen);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return examples::reproduce::selective_localized(argc, argv, reproduce); }
