// Learns with a third factor: besides input and response, the surprise about a sample determines how much a stage
// before the boundary learns from it. Here a sample counts more if it was misclassified when the model last saw it. The
// program compares this with equal factors, and with a stage that does not learn at all, for seconds on the embedded
// digits.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <span>
#include <vector>

#include "digits.hpp"
#include "lab/report/exit_status.hpp"

#include <localis/localis.hpp>

namespace lo = localis;

// Sixteen units are few for 784 pixels, so their features matter.
// clang-format off
using net = lo::network<lo::image<28, 28, 1>,
    lo::dense<16, lo::rule::subspace>, lo::batch_norm, lo::relu,
    lo::dense<10>>;
// clang-format on

/// The fraction of correct predictions on the held-out samples.
/// @param surprise  factor of samples that were misclassified at the end of the last epoch; that of the others is 1
double accuracy(std::uint64_t seed, double local_rate, double surprise) {
  const lo::data::images digits = examples::digits();
  const auto parts = lo::data::split(digits, lo::data::validation_count{397}, seed);
  lo::model<net> model{{.seed = seed}, lo::cpu::backend<float>{{.threads = 1}}};  // too small for more threads
  lo::trainer trainer{model,
                      lo::scheduler::fixed{1},  // no gradient ever reaches the sixteen units
                      lo::supervision::none{},
                      {.epochs = 15, .batch = 32, .local_rate = local_rate, .seed = seed},
                      lo::optimizer::sgd{.momentum = 0.9},
                      lo::learning_rate::cosine{.rate = 0.02}};

  std::vector<double> surprises(parts.train.size(), 1);
  trainer.modulate([&](const lo::data::batch_view<float>& batch, std::span<double> factors) {
    for (std::size_t n = 0; n < batch.size; ++n) factors[n] = surprises[batch.indices[n]];
    // Their mean stays 1, so that they change the weight of samples but not the size of the update.
    const double sum = std::accumulate(factors.begin(), factors.end(), 0.0);
    for (double& factor : factors) factor *= static_cast<double>(batch.size) / sum;
  });
  trainer.on_epoch([&](const lo::epoch_record&) {
    const std::vector<std::uint32_t> taken_for = lo::predict(model, parts.train);
    std::vector<float> pixels(28 * 28);
    for (std::size_t i = 0; i < surprises.size(); ++i) {
      surprises[i] = taken_for[i] != parts.train.read(i, pixels) ? surprise : 1;
    }
  });
  trainer.fit(parts.train);
  return lo::evaluate(model, parts.validation).accuracy;
}

void run(const char* name, double local_rate, double surprise) {
  std::printf("%-15s local rate %.4f: held-out accuracy", name, local_rate);
  double sum = 0;
  constexpr std::uint64_t seeds = 3;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const double found = 100 * accuracy(seed, local_rate, surprise);
    sum += found;
    std::printf(" %.1f", found);
  }
  std::printf(", mean %.2f %%\n", sum / static_cast<double>(seeds));
}

int main() {
  run("frozen", 0, 1);
  for (const double local_rate : {5e-4, 1e-3}) {
    run("equal factors", local_rate, 1);
    run("surprise counts", local_rate, 10);
  }
  return examples::exit_status("modulated");
}
