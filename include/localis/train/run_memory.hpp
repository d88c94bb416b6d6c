#pragma once

#include <algorithm>
#include <cstddef>

#include <localis/core/error.hpp>
#include <localis/core/memory.hpp>
#include <localis/model/step_options.hpp>
#include <localis/scheduler/scheduler.hpp>
#include <localis/train/report.hpp>
#include <localis/train/step_settings.hpp>
#include <localis/train/train_options.hpp>

namespace localis::detail {

/// Checks that the stages before the boundary can learn by gradient from a part of the batch. Errors: config_error.
[[gnu::cold]] inline void check_part(const train_options& options, bool diagnoses) {
  expect(options.local_rate == 0, "trainer: local_rate",
         "0, since scheduler::part_batch lets the stages before the boundary learn by gradient", options.local_rate);
  expect(options.cache_bytes == 0, "trainer: cache_bytes",
         "0, since scheduler::part_batch lets the stages before the boundary learn by gradient", options.cache_bytes);
  if (diagnoses) throw config_error("trainer::diagnose: expected a scheduler other than part_batch, found that one");
}

/// The memory that the steps of an epoch need, for the boundaries that the scheduler may choose in it, or for all
/// boundaries. `samples` is the size of the training data, and `pixels` tells whether they arrive as bytes.
template <class Model, class Scheduler>
[[nodiscard]] memory_request memory_of_epoch(const Scheduler& policy, const train_options& options, std::size_t epoch,
                                             std::size_t samples, bool all_boundaries, bool pixels) {
  const std::size_t top = highest_boundary<Model>(policy);
  memory_request request;
  request.batch = options.batch;
  request.lowest_boundary = all_boundaries ? 0 : (std::min)(scheduler::lowest_boundary(policy, epoch), top);
  request.highest_boundary = all_boundaries ? top : (std::min)(scheduler::highest_boundary(policy, epoch, top), top);
  request.local_learning = options.local_rate > 0;
  request.training = true;
  request.pixels = pixels;
  request.samples = samples;
  request.normalization = options.normalization;
  request.cache_bytes = options.cache_bytes;
  request.part_samples = part_samples(scheduler::differentiated(policy, epoch).fraction, options.batch);
  if (request.part_samples > 0) check_part(options, all_boundaries);
  return request;
}

/// Raises the largest numbers of bytes of a run to those that the model uses now.
template <class Model>
[[gnu::cold]] void track_memory(const Model& model, memory_use& largest) {
  const auto raise = [](std::size_t& value, std::size_t bytes) { value = (std::max)(value, bytes); };
  const memory_counters counters = model.backend().counters().snapshot();
  raise(largest.parameters, counters.held(memory_kind::parameters));
  raise(largest.rule_state, counters.held(memory_kind::rule_state));
  raise(largest.optimizer_state, counters.held(memory_kind::optimizer_state));
  raise(largest.features, counters.held(memory_kind::features));
  raise(largest.arena, counters.held(memory_kind::arena));
  raise(largest.peak, counters.peak);
  for (const auto& row : model.summary().memory) {
    raise(largest.activations, row.activations);
    raise(largest.gradients, row.gradients);
    raise(largest.scratch, row.scratch);
  }
}

}  // namespace localis::detail
