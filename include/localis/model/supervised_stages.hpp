#pragma once

#include <cstddef>

#include <localis/core/operation.hpp>
#include <localis/kernel/elementwise.hpp>
#include <localis/learn/local_loss.hpp>
#include <localis/model/executor.hpp>
#include <localis/model/fusion.hpp>
#include <localis/model/layer_pack.hpp>
#include <localis/model/teaching_signals.hpp>

namespace localis::detail {

/// Runs the stages whose rule is supervised. Before the boundary, such a stage performs a small training step of its
/// own as soon as its output is available: its local loss, a backward pass within the stage, and the step of each of
/// its layers. From the boundary on, its local loss receives the true gradient.
template <class Network, class Backend>
struct supervised_stages {
  using scalar = typename Backend::scalar;
  using facts = fusion_facts<Network, Backend>;
  using signals_type = teaching_signals<Network, Backend>;

  const executor<Network, Backend>& execute;
  const signals_type& teaching;
  const step_values<scalar>& step;
  const scalar* gains;  ///< one per stage

  /// Must be called after the forward pass of a stage. `learns` states whether the stage lies before the boundary.
  void finish(std::size_t stage, bool learns) const {
    const operation& last = facts::last_of_stage(stage);
    const auto& memory = execute.memory;
    for_each_layer(stage, [&](std::size_t i, const operation& op, auto& layer) {
      if (!op.has_local_loss) return;
      teaching_signal<scalar> signal = teaching.current();
      signal.whole = memory.whole_of(stage);
      signal.labelled = memory.labelled_of(stage, signal.labelled);
      signal.output = memory.value(last.output);
      signal.apply_updates = step.apply_updates;
      signal.gradient = learns ? memory.gradient(last.output) : nullptr;
      signal.scratch = memory.scratch(memory.offsets(i).local_loss_scratch);
      layer.compute_local_gradient(execute.backend, op, signal);
    });
    if (!learns) return;
    if (step.modulator != nullptr) {
      execute.backend.for_rows(
          memory.samples, last.out.size(),
          kernel::scale_rows<scalar>{step.modulator, memory.gradient(last.output), last.out.size()});
    }
    for_each_index_reversed<Network::size>([&]<std::size_t Index>() {
      const operation& op = Network::program.operations[Index];
      if (op.stage != stage || memory.gradient(op.output) == nullptr) return;
      execute.template backward<Index>();
      memory.end_operation(Index, true);
    });
    if (memory.whole_of(stage) != nullptr) return;  // the step comes when all gradients have been added up
    for_each_layer(stage, [&](std::size_t i, const operation& op, auto& layer) {
      operands<scalar> arrays = memory.learn_operands(i);
      step_values<scalar> values = step;
      values.gain = gains + stage;
      layer.learn(execute.backend, op, arrays, values);
    });
  }

  /// Must be called for a stage from the boundary on, when the gradient of its output is available.
  void observe(std::size_t stage) const {
    if (step.local_rate == 0 || !step.apply_updates) return;
    const auto& memory = execute.memory;
    for_each_layer(stage, [&](std::size_t i, const operation& op, auto& layer) {
      if (!op.has_local_loss) return;
      teaching_signal<scalar> signal = teaching.current();
      signal.whole = memory.whole_of(stage);
      signal.labelled = memory.labelled_of(stage, signal.labelled);
      signal.gradient = memory.gradient(facts::last_of_stage(stage).output);
      signal.scratch = memory.scratch(memory.offsets(i).observe_scratch);
      layer.observe(execute.backend, op, signal);
    });
  }

 private:
  /// Calls f(index, operation, layer) for each layer of a stage that learns from its local loss.
  template <class F>
  void for_each_layer(std::size_t stage, F&& f) const {
    for_each_index<Network::size>([&]<std::size_t Index>() {
      const operation& op = Network::program.operations[Index];
      auto& layer = get<Index>(execute.layers);
      if constexpr (requires { layer.compute_local_gradient(execute.backend, op, teaching.current()); }) {
        if (op.stage == stage) f(Index, op, layer);
      }
    });
  }
};

}  // namespace localis::detail
