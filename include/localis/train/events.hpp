#pragma once

#include <cstddef>
#include <span>

#include <localis/train/report.hpp>
#include <localis/train/update_diagnostics.hpp>

namespace localis {

/// One finished training step, as callbacks of trainer::on_step() receive it.
struct step_event {
  static constexpr const char* name = "step";
  /// The number of the step, counted from the start of the run.
  [[nodiscard]] std::size_t number() const { return epoch * steps + step; }

  std::size_t epoch;
  std::size_t epochs;  ///< number of epochs of the run
  std::size_t step;    ///< number of the step in its epoch
  std::size_t steps;   ///< number of steps of an epoch
  std::size_t boundary;
  double loss;
  double learning_rate;
  double gain;
  double seconds;       ///< training time from the start of the run
  std::size_t samples;  ///< number of samples from the start of the run
};

/// Calls visit(name, member) for each member of a step_event, in order.
template <detail::kind_of<step_event> Event, class Visit>
void visit_members(Event& event, const Visit& visit) {
  visit("epoch", event.epoch);
  visit("epochs", event.epochs);
  visit("step", event.step);
  visit("steps", event.steps);
  visit("boundary", event.boundary);
  visit("loss", event.loss);
  visit("learning_rate", event.learning_rate);
  visit("gain", event.gain);
  visit("seconds", event.seconds);
  visit("samples", event.samples);
}

/// The diagnostics of some stages before a step, as callbacks of trainer::diagnose() receive them.
struct diagnostics_event {
  std::size_t epoch;
  std::size_t step;
  std::span<const stage_diagnostics> stages;  ///< valid during the call
};

}  // namespace localis
