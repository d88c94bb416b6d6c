#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "gain_or_none.hpp"
#include "lab.hpp"
#include "pictures.hpp"
#include "programs.hpp"
#include "settings.hpp"

#include <localis/core/error.hpp>
#include <localis/scheduler/annealed.hpp>
#include <localis/scheduler/any.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/scheduler/interleaved.hpp>
#include <localis/scheduler/linear.hpp>
#include <localis/scheduler/replay.hpp>

/// One network trained by gradient descent, with its first stages frozen, and with its first stages learning locally.
namespace examples {

namespace detail {

template <class Make>
void train_runs(lab& lab, std::uint64_t seed, const Make& make) {
  const settings& s = lab.all().chosen;
  const auto run = [&](const std::string& name, const auto& scheduler, const gain_or_none& supervision,
                       const lab::conditions& options) {
    lab.run(name, seed, make, localis::scheduler::any(scheduler), supervision, options);
  };
  const gain_or_none unsupervised;
  const lab::conditions local{.local_rate = s.local_rate, .normalization = s.normalization, .epochs = s.epochs};
  const lab::conditions frozen{.local_rate = 0, .normalization = s.normalization, .epochs = s.epochs};
  lab::conditions frozen_batch = frozen;
  frozen_batch.normalization = localis::prefix_normalization::batch;
  lab::conditions cached = frozen;
  cached.normalization = localis::prefix_normalization::frozen;
  cached.cache_bytes = 1000000 * s.cache;
  const auto averaged = [&s](lab::conditions options) {
    options.average_decay = s.average_decay;
    return options;
  };
  // Each stage has a cosine of its own, and so the run has none.
  const auto annealed = [](lab::conditions options) {
    options.constant_rate = true;
    return options;
  };
  const localis::scheduler::fixed whole{0};
  const localis::scheduler::interleaved interleaved{s.linear, s.interleave, s.prefix_rate};

  for (const run_kind& kind : s.comparison.kinds) {
    if (!(kind.budget > 0)) continue;
    lab::conditions budget = frozen;
    budget.epochs = epochs_of(kind, s.epochs);
    run(std::string(kind.name), whole, unsupervised, budget);
  }
  run("localized static", s.linear, unsupervised, local);
  run("localized averaged", s.linear, unsupervised, averaged(local));
  run("localized annealed", localis::scheduler::annealed{s.linear}, unsupervised, annealed(local));
  run("localized dynamic", s.dynamic, {s.gain, true}, local);
  run("interleaved", interleaved, unsupervised, local);
  run("interleaved frozen", interleaved, unsupervised, frozen);
  run("interleaved averaged", interleaved, unsupervised, averaged(frozen));
  run("frozen static", s.linear, unsupervised, frozen);
  run("frozen cached", s.linear, unsupervised, cached);
  run("frozen averaged", s.linear, unsupervised, averaged(frozen));
  run("frozen annealed", localis::scheduler::annealed{s.linear}, unsupervised, annealed(frozen));
  // The running statistics of stages that never learned are those of no picture.
  run("frozen random", localis::scheduler::linear{.end = 0, .last = s.linear.last}, unsupervised, frozen_batch);
  run("frozen static (batch)", s.linear, unsupervised, frozen_batch);

  if (const run_result* dynamic = lab.all().find("localized dynamic", seed)) {
    const localis::scheduler::replay replay{dynamic->report.boundaries()};
    run("frozen replay", replay, unsupervised, frozen);
    run("frozen replay (batch)", replay, unsupervised, frozen_batch);
  }
  if (s.wants("sgd short")) {
    lab::conditions shortened = frozen;
    shortened.epochs = short_epochs(lab, "localized dynamic", seed);
    if (!interrupted()) lab.bar().say(localis::text("sgd short: ", shortened.epochs, " epochs"));
    run("sgd short", whole, unsupervised, shortened);
  }
}

}  // namespace detail

/// Does the runs that were chosen out of train_kinds, and returns the program's exit status.
/// @param load  reads the pictures
/// @param make  a fresh Model from a seed
template <class Model, class Make>
[[nodiscard]] int train_and_compare(const settings& chosen, const std::function<pictures()>& load, const Make& make) {
  return compare<Model>(chosen, load, make, [&](lab& lab, std::uint64_t seed) { detail::train_runs(lab, seed, make); });
}

}  // namespace examples
