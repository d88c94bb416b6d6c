// Defines two schedulers: a function of the epoch, and a type that observes the validation split. The program trains
// for seconds on the embedded digits.

#include <algorithm>
#include <cstddef>
#include <cstdio>

#include "digits.hpp"
#include "lab/report/exit_status.hpp"

#include <localis/localis.hpp>

namespace lo = localis;

/// Moves the boundary by one stage whenever the validation accuracy has risen by less than `least` over an epoch.
struct plateau {
  double least = 0.002;  ///< fraction of correct predictions

  struct {
    std::size_t boundary = 0;
    double best = 0;
  } state;

  // The one member that a scheduler must have.
  std::size_t boundary(std::size_t, std::size_t) const { return state.boundary; }

  // These optional promises let the trainer plan less memory, and free memory that is no longer needed.
  std::size_t lowest_boundary(std::size_t) const { return state.boundary; }
  std::size_t highest_boundary(std::size_t) const { return state.boundary; }
  // These optional members inform the scheduler about the run.
  void start(const lo::schedule_limits&) { state = {}; }
  void observe(const lo::epoch_observation& seen) {
    if (seen.validation_accuracy < state.best + least) ++state.boundary;  // the trainer limits it to the last stage
    state.best = std::max(state.best, seen.validation_accuracy);
  }
};

using rule = lo::rule::local<lo::rule::oja, lo::rule::relative_step>;
// clang-format off
using net = lo::network<lo::image<28, 28, 1>,
    lo::conv2d<16, 5, lo::stride<2>, rule>, lo::batch_norm, lo::relu,
    lo::conv2d<32, 3, rule>, lo::batch_norm, lo::relu, lo::max_pool2d<2>,
    lo::dense<32, rule>, lo::relu,
    lo::dense<10>>;
// clang-format on

template <class Scheduler>
void run(const char* name, const Scheduler& scheduler) {
  const lo::data::images digits = examples::digits();
  const auto parts = lo::data::split(digits, lo::data::validation_count{397}, 1);
  lo::model<net> model{{.seed = 1}};
  lo::trainer trainer{model,
                      scheduler,
                      lo::supervision::loss_gain{},
                      {.epochs = 10, .batch = 32, .local_rate = 1e-5},
                      lo::optimizer::sgd{.momentum = 0.9},
                      lo::learning_rate::cosine{.rate = 0.02}};
  const lo::report& report = trainer.fit(parts.train, parts.validation);
  std::printf("%-8s boundaries", name);
  for (const std::size_t boundary : report.boundaries()) std::printf(" %zu", boundary);
  std::printf(": validation accuracy %.2f %%, %.2f s\n", 100 * report.epochs.back().validation_accuracy,
              report.seconds);
}

int main() {
  run("sgd", lo::scheduler::fixed{0});
  run("lambda", [](std::size_t epoch) { return epoch / 3; });
  run("plateau", plateau{});
  return examples::exit_status("custom_scheduler");
}
