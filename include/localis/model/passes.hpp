#pragma once

#include <cstddef>

#include <localis/core/operation.hpp>
#include <localis/model/executor.hpp>
#include <localis/model/fusion.hpp>
#include <localis/model/layer_pack.hpp>
#include <localis/model/supervised_stages.hpp>

namespace localis::detail {

/// The stages of a forward pass, by number.
struct pass_stages {
  std::size_t boundary;
  std::size_t resting = 0;                         ///< the stages before this one do not learn
  std::size_t begin = 0;                           ///< the stages before this one are not run
  std::size_t end = static_cast<std::size_t>(-1);  ///< the stages from this one on are not run
};

/// Runs all operations forward. Meanwhile the stages before the boundary learn by their rules, and the stages from the
/// boundary on save the arrays that backward_pass() reads. If the boundary is Network::stages, the pass is an
/// evaluation and does neither.
template <class Network, class Backend>
void forward_pass(const supervised_stages<Network, Backend>& stages, const pass_stages& chosen) {
  using facts = fusion_facts<Network, Backend>;
  const std::size_t boundary = chosen.boundary;
  const bool evaluates = boundary == Network::stages;
  const bool supervises = stages.teaching.any && !evaluates && stages.step.local_rate > 0;
  step_values<typename Backend::scalar> values = stages.step;
  for_each_index<Network::size>([&]<std::size_t Index>() {
    const operation& op = Network::program.operations[Index];
    if (op.stage < chosen.begin || op.stage >= chosen.end) return;
    const bool learns_by_error = supervises && op.supervised() && op.stage >= chosen.resting;
    const bool trains = op.stage >= boundary || learns_by_error;
    values.local_rate = op.stage < chosen.resting ? 0 : stages.step.local_rate;
    values.gain = stages.gains + op.stage;
    stages.execute.template forward<Index>(evaluates ? mode::evaluate : trains ? mode::train : mode::learn, values);
    stages.execute.memory.end_operation(Index, !evaluates && !trains && values.local_rate > 0);
    if constexpr (supervised_stages<Network, Backend>::signals_type::any) {
      if (learns_by_error && facts::ends_stage(Index)) stages.finish(op.stage, op.stage < boundary);
    }
  });
}

/// Runs the backward passes of the operations of the stages from `begin` to before `end`, beginning with the gradient
/// of the last one's output.
template <class Network, class Backend>
void backward_pass(const supervised_stages<Network, Backend>& stages, std::size_t begin, std::size_t end) {
  using facts = fusion_facts<Network, Backend>;
  for_each_index_reversed<Network::size>([&]<std::size_t Index>() {
    const operation& op = Network::program.operations[Index];
    if (op.stage < begin || op.stage >= end || stages.execute.memory.gradient(op.output) == nullptr) return;
    if constexpr (supervised_stages<Network, Backend>::signals_type::any) {
      if (op.supervised() && facts::ends_stage(Index)) stages.observe(op.stage);
    }
    stages.execute.template backward<Index>();
    stages.execute.memory.end_operation(Index, true);
  });
}

}  // namespace localis::detail
