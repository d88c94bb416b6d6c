#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <localis/core/error.hpp>
#include <localis/data/loader.hpp>
#include <localis/model/step_options.hpp>
#include <localis/optimizer/optimizer.hpp>
#include <localis/scheduler/scheduler.hpp>
#include <localis/train/gradient_descent.hpp>
#include <localis/train/run_state.hpp>
#include <localis/train/train_options.hpp>

namespace localis::detail {

/// The values with which one training step runs.
template <std::size_t Stages>
struct step_settings {
  std::size_t epoch = 0;
  std::size_t step = 0;      ///< number of the step in its epoch
  std::size_t steps = 0;     ///< number of steps of an epoch
  std::size_t boundary = 0;  ///< the boundary of this step
  std::size_t base = 0;      ///< the scheduler's base boundary
  std::size_t part = 0;      ///< number of samples that are differentiated before the boundary
  double local_rate = 0;
  double rate = 0;                       ///< rate of the gradient step
  std::array<double, Stages> factors{};  ///< factors on that rate, by stage
  double gain = 0;                       ///< gain of a supervision that runs on the host
  std::size_t samples = 0;               ///< number of samples of the batch
  std::size_t labelled = 0;              ///< number of those that are not data::unlabelled
  bool takes_step = true;                ///< whether a gradient step follows, or the gradients are accumulated

  /// The first stage that learns by gradient.
  [[nodiscard]] std::size_t first_gradient_stage() const { return part > 0 ? 0 : boundary; }
};

/// The highest boundary of a run: a stage before it needs a local rule unless a part of the batch is differentiated
/// there.
template <class Model, class Scheduler>
[[nodiscard]] std::size_t highest_boundary(const Scheduler& policy) {
  return scheduler::differentiated(policy, 0).fraction > 0 ? Model::stages - 1 : Model::network_type::highest_boundary;
}

/// The number of samples that are differentiated before the boundary, out of those of a batch; 0: none.
[[nodiscard]] inline std::size_t part_samples(double fraction, std::size_t samples) {
  if (!(fraction > 0) || samples == 0) return 0;
  const auto rounded = static_cast<std::size_t>(fraction * static_cast<double>(samples) + 0.5);
  return std::clamp<std::size_t>(rounded, 1, samples);
}

/// The settings of a run's next step, as scheduler and learning rate choose them.
/// Errors: config_error for a rate that cannot be used.
template <class Scheduler, class LearningRate, class Model, optimizer::optimizer Optimizer>
[[nodiscard]] step_settings<Model::stages> choose_step(const Scheduler& policy, const LearningRate& rate,
                                                       const gradient_descent<Model, Optimizer>& descent,
                                                       const train_options& options, const run_state& run,
                                                       std::size_t samples) {
  const std::size_t highest = highest_boundary<Model>(policy);
  step_settings<Model::stages> next;
  next.epoch = run.epoch;
  next.step = run.step;
  next.steps = run.steps;
  next.boundary = policy.boundary(run.epoch, run.step);
  next.boundary = (std::min)(next.boundary, highest);
  next.base = (std::min)(scheduler::base_boundary(policy, run.epoch, run.step), highest);
  if (next.boundary > 0) next.part = part_samples(scheduler::differentiated(policy, run.epoch).fraction, samples);
  next.local_rate = options.local_rate;
  next.rate = rate(static_cast<double>(run.epoch) + static_cast<double>(run.step) / static_cast<double>(run.steps),
                   static_cast<double>(options.epochs));
  if (!descent.is_rate(next.rate)) {
    descent.check_rate(text("trainer: learning rate of epoch ", run.epoch, ", step ", run.step).c_str(), next.rate);
  }
  for (std::size_t stage = 0; stage < Model::stages; ++stage) {
    next.factors[stage] = scheduler::gradient_scale(policy, run.epoch, run.step, stage);
  }
  descent.check_factors(next.rate, next.factors);
  next.samples = samples;
  return next;
}

/// Converts the settings of a step into the model's step_options, with the batch from which the step learns. Gains and
/// modulator are set later.
template <std::size_t Stages, class Scalar>
[[nodiscard]] step_options options_of(const step_settings<Stages>& settings, const train_options& options,
                                      const data::batch_view<Scalar>& batch, std::size_t classes) {
  step_options result;
  result.boundary = settings.boundary;
  result.part_samples = settings.part;
  result.local_rate = settings.local_rate;
  result.normalization = options.normalization;
  result.step = std::uint64_t{settings.epoch} * settings.steps + settings.step;
  result.labels = batch.labels;
  result.indices = batch.indices;
  result.classes = classes;
  return result;
}

}  // namespace localis::detail
