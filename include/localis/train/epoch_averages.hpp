#pragma once

#include <cstddef>
#include <limits>

#include <localis/kernel/loss.hpp>
#include <localis/model/evaluate.hpp>
#include <localis/scheduler/scheduler.hpp>
#include <localis/train/report.hpp>
#include <localis/train/run_state.hpp>
#include <localis/train/steps_in_flight.hpp>

namespace localis::detail {

/// Removes the last epoch from a report if a stop or an exception came before its first step was finished, because a
/// report has no epoch without a step.
class drop_empty_epoch {
 public:
  explicit drop_empty_epoch(report& written) : report_(written) {}
  drop_empty_epoch(const drop_empty_epoch&) = delete;
  drop_empty_epoch& operator=(const drop_empty_epoch&) = delete;
  ~drop_empty_epoch() {
    if (!report_.epochs.empty() && report_.epochs.back().steps == 0) report_.epochs.pop_back();
  }

 private:
  report& report_;
};

/// Begins an epoch with a new record in the report and with sums of 0.
inline void start_epoch(std::size_t epoch, std::size_t stages, report& written, epoch_sums& sums) {
  epoch_record& record = written.epochs.emplace_back();
  record.epoch = epoch;
  record.processor_seconds = 0;
  record.stage_update_norms.assign(stages, std::numeric_limits<double>::quiet_NaN());
  sums = {};
  sums.stage_norms.resize(stages);
}

/// Adds a step to the record of its epoch and to the sums from which write_averages() computes the rest of the record.
template <class Model>
void add_step(const finished_step<Model::stages>& done, bool labelled, epoch_record& record, epoch_sums& sums) {
  const step_settings<Model::stages>& settings = done.settings;
  for (std::size_t stage = settings.first_gradient_stage(); stage < Model::stages; ++stage) {
    if (!settings.takes_step || !(done.rate(stage) > 0)) continue;
    const double norm = done.update_norm(stage);
    sums.stage_norms[stage].add(norm);
    if (stage == settings.base && stage == settings.boundary) sums.norm.add(norm);
  }
  record.boundary = settings.base;
  ++record.steps;
  record.samples += settings.samples;
  sums.rate += settings.rate;
  sums.gain += done.gain;
  sums.unlabelled += settings.samples - settings.labelled;
  if (settings.labelled > 0) sums.loss += done.record.loss * static_cast<double>(settings.labelled);
  if (labelled) sums.correct += static_cast<std::size_t>(done.record.correct);
  const auto fractions = Model::work_fractions();
  for (std::size_t stage = 0; stage < settings.boundary; ++stage) sums.prefix_fraction += fractions[stage];
}

/// Writes the averages of the last epoch, and those of the run, as they are after the steps so far.
inline void write_averages(const epoch_sums& sums, bool labelled, report& written) {
  epoch_record& record = written.epochs.back();
  const auto steps = static_cast<double>(record.steps);
  const std::size_t samples = record.samples - sums.unlabelled;
  record.loss = kernel::mean_loss(sums.loss, samples);
  record.accuracy = accuracy(labelled && samples > 0, static_cast<double>(sums.correct), static_cast<double>(samples));
  record.learning_rate = sums.rate / steps;
  record.gain = sums.gain / steps;
  record.prefix_fraction = sums.prefix_fraction / steps;
  record.update_norm = sums.norm.value();
  record.stage_update_norms.clear();
  for (const epoch_sums::mean& norms : sums.stage_norms) record.stage_update_norms.push_back(norms.value());
  double all_steps = 0;
  double all_fractions = 0;
  for (const epoch_record& epoch : written.epochs) {
    all_steps += static_cast<double>(epoch.steps);
    all_fractions += epoch.prefix_fraction * static_cast<double>(epoch.steps);
  }
  written.prefix_fraction = all_fractions / all_steps;
}

/// The part of an epoch's record that a scheduler may learn from.
[[nodiscard]] inline epoch_observation observation_of(const epoch_record& record) {
  return {record.epoch,
          record.boundary,
          record.update_norm,
          record.loss,
          record.validation_loss,
          record.validation_accuracy,
          record.stage_update_norms};
}

}  // namespace localis::detail
