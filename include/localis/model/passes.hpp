#pragma once

#include <cstddef>

#include <localis/core/operation.hpp>
#include <localis/model/executor.hpp>
#include <localis/model/fusion.hpp>
#include <localis/model/layer_pack.hpp>
#include <localis/model/supervised_stages.hpp>

namespace localis::detail {

/// Runs all operations forward. Meanwhile the stages before the boundary learn by their rules, and the stages from the
/// boundary on save the arrays that backward_pass() reads. If the boundary is Network::stages, the pass is an
/// evaluation and does neither.
template <class Network, class Backend>
void forward_pass(const supervised_stages<Network, Backend>& stages, std::size_t boundary) {
  using facts = fusion_facts<Network, Backend>;
  const bool evaluates = boundary == Network::stages;
  const bool supervises = stages.teaching.any && !evaluates && stages.step.local_rate > 0;
  step_values<typename Backend::scalar> values = stages.step;
  for_each_index<Network::size>([&]<std::size_t Index>() {
    const operation& op = Network::program.operations[Index];
    const bool trains = op.stage >= boundary || (supervises && op.supervised());
    values.gain = stages.gains + op.stage;
    stages.execute.template forward<Index>(evaluates ? mode::evaluate : trains ? mode::train : mode::learn, values);
    if constexpr (supervised_stages<Network, Backend>::signals_type::any) {
      if (supervises && op.supervised() && facts::ends_stage(Index)) stages.finish(op.stage, op.stage < boundary);
    }
  });
}

/// Runs the backward passes of the operations from the boundary on, beginning with the gradient of the network's
/// output.
template <class Network, class Backend>
void backward_pass(const supervised_stages<Network, Backend>& stages, std::size_t boundary) {
  using facts = fusion_facts<Network, Backend>;
  for_each_index_reversed<Network::size>([&]<std::size_t Index>() {
    const operation& op = Network::program.operations[Index];
    if (op.stage < boundary || stages.execute.memory.gradient(op.output) == nullptr) return;
    if constexpr (supervised_stages<Network, Backend>::signals_type::any) {
      if (op.supervised() && facts::ends_stage(Index)) stages.observe(op.stage);
    }
    stages.execute.template backward<Index>();
  });
}

}  // namespace localis::detail
