#pragma once

#include <concepts>
#include <cstddef>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace localis {

/// The report of one epoch of a run.
struct epoch_record {
  static constexpr const char* name = "epoch";
  [[nodiscard]] std::size_t number() const { return epoch; }

  std::size_t epoch = 0;
  std::size_t boundary = 0;  ///< the base boundary at the epoch's end, after clamping
  std::size_t steps = 0;     ///< number of finished steps; fewer than in a full epoch if the run was stopped
  std::size_t samples = 0;
  double loss = 0;      ///< mean over labelled samples, each in its training step; NaN without any
  double accuracy = 0;  ///< fraction of the labelled samples predicted right, each in its step; NaN without any
  double validation_loss = std::numeric_limits<double>::quiet_NaN();      ///< NaN if there was no validation
  double validation_accuracy = std::numeric_limits<double>::quiet_NaN();  ///< NaN if there was no validation
  double learning_rate = 0;    ///< mean over steps, before the scheduler's factors by stage
  double gain = 0;             ///< mean over steps, before the supervision's factors by stage
  double update_norm = 0;      ///< mean of norm_F(dW) / rate of the transition stage over steps at the base boundary
  double prefix_fraction = 0;  ///< mean fraction of the network's multiply-adds that lies before the boundary
  std::size_t clips = 0;       ///< number of weight rows in this epoch whose scale 1 - eta c was negative
  double seconds = 0;          ///< duration of the training steps, without validation
  /// Processor time of the training steps, summed over all threads of all ranks; NaN if an older program measured none.
  /// On several ranks, the steps since the last pause are not in it until the epoch ends.
  double processor_seconds = std::numeric_limits<double>::quiet_NaN();
  std::size_t bytes = 0;  ///< bytes in use by the backend at the end of the epoch
  /// For each stage, the mean of norm_F(dW) / rate over the steps that it took by gradient, each at its own rate; NaN
  /// if there were none.
  std::vector<double> stage_update_norms{};
  /// For each stage, the cosine between its local update and the descent direction, and the fraction of its channels
  /// that are dead, at the end of the epoch (trainer::diagnose()); NaN for stages that were not diagnosed, and for all
  /// in an epoch that was stopped. Empty if there was no diagnosis.
  std::vector<double> stage_cosines{};
  std::vector<double> stage_part_cosines{};  ///< likewise, between the gradient of half the batch and that of all
  std::vector<double> stage_dead_fractions{};
  /// By name, the mean of each metric of trainer::measure() over the validation data; empty if there was no validation.
  std::vector<std::pair<std::string, double>> validation_metrics{};
};

/// The largest number of bytes that a run used, by kind. Activations, gradients and scratch lie in the arena at
/// different times, so that they do not add up to its size.
struct memory_use {
  std::size_t parameters = 0;
  std::size_t rule_state = 0;
  std::size_t optimizer_state = 0;
  std::size_t features = 0;  ///< kept of frozen stages (train_options::cache_bytes)
  std::size_t activations = 0;
  std::size_t gradients = 0;
  std::size_t scratch = 0;
  std::size_t arena = 0;
  std::size_t peak = 0;  ///< the largest sum over all kinds at one time
};

namespace detail {

template <class T, class Record>
concept kind_of = std::same_as<std::remove_const_t<T>, Record>;

/// Visits a member that older files lack; a visitor that reads them has a function for it.
template <class Visit>
void visit_newer(const Visit& visit, const char* name, auto& member) {
  if constexpr (requires { visit.newer(name, member); }) {
    visit.newer(name, member);
  } else {
    visit(name, member);
  }
}

}  // namespace detail

/// Calls visit(name, member) for each member of a record, in order. This is the only list of members: checkpoints, logs
/// and reports are written and read through it.
template <detail::kind_of<epoch_record> Record, class Visit>
void visit_members(Record& record, const Visit& visit) {
  visit("epoch", record.epoch);
  visit("boundary", record.boundary);
  visit("steps", record.steps);
  visit("samples", record.samples);
  visit("loss", record.loss);
  visit("accuracy", record.accuracy);
  visit("validation_loss", record.validation_loss);
  visit("validation_accuracy", record.validation_accuracy);
  visit("learning_rate", record.learning_rate);
  visit("gain", record.gain);
  visit("update_norm", record.update_norm);
  visit("prefix_fraction", record.prefix_fraction);
  visit("clips", record.clips);
  visit("seconds", record.seconds);
  detail::visit_newer(visit, "processor_seconds", record.processor_seconds);
  visit("bytes", record.bytes);
  visit("stage_update_norms", record.stage_update_norms);
  visit("stage_cosines", record.stage_cosines);
  visit("stage_part_cosines", record.stage_part_cosines);
  visit("stage_dead_fractions", record.stage_dead_fractions);
  visit("validation_metrics", record.validation_metrics);
}
template <detail::kind_of<memory_use> Memory, class Visit>
void visit_members(Memory& memory, const Visit& visit) {
  visit("parameters", memory.parameters);
  visit("rule_state", memory.rule_state);
  visit("optimizer_state", memory.optimizer_state);
  detail::visit_newer(visit, "features", memory.features);
  visit("activations", memory.activations);
  visit("gradients", memory.gradients);
  visit("scratch", memory.scratch);
  visit("arena", memory.arena);
  visit("peak", memory.peak);
}

/// How a run ended; unfinished: it is under way, or an error other than a divergence ended it.
enum class ending { unfinished, finished, stopped, diverged };

/// The report of a run. The trainer keeps it even if the run ended in an exception.
struct report {
  std::vector<epoch_record> epochs;
  memory_use memory;
  double seconds = 0;          ///< duration of the training steps
  double prefix_fraction = 0;  ///< mean of the epochs' prefix_fraction over all steps
  ending end = ending::unfinished;
  std::string message;  ///< the message of the error that ended the run, if there was one

  /// Processor time of the training steps, summed over all threads of all ranks.
  [[nodiscard]] double processor_seconds() const {
    double sum = 0;
    for (const epoch_record& e : epochs) sum += e.processor_seconds;
    return sum;
  }
  /// The base boundary of each epoch, for scheduler::replay.
  [[nodiscard]] std::vector<std::size_t> boundaries() const {
    std::vector<std::size_t> result;
    result.reserve(epochs.size());
    for (const epoch_record& e : epochs) result.push_back(e.boundary);
    return result;
  }
};

}  // namespace localis
