#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <localis/backend/concept.hpp>
#include <localis/core/memory.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/random.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/pooling.hpp>
#include <localis/kernel/softmax.hpp>
#include <localis/kernel/update.hpp>
#include <localis/learn/local_loss.hpp>
#include <localis/optimizer/plain.hpp>
#include <localis/rule/local_error.hpp>
#include <localis/rule/policy.hpp>

namespace localis {

/// The local loss of rule::local_error: a linear head on the pooled output of the stage, and its cross entropy.
template <class Backend>
class local_loss<Backend, rule::local_error> {
 public:
  using scalar = typename Backend::scalar;

  /// Draws the initial head, normal with mean 0 and deviation sqrt(1 / channels).
  local_loss(Backend& backend, const operation& op, random_stream random) {
    if (!op.has_local_loss) return;
    head_ = backend.template allocate<scalar>(memory_kind::rule_state, head_map(op).weights());
    const double deviation = 1 / std::sqrt(static_cast<double>(op.stage_output.channels));
    std::vector<scalar> initial(head_.size());
    for (std::size_t i = 0; i < initial.size(); ++i) initial[i] = static_cast<scalar>(deviation * random.normal(i));
    backend.upload(std::span<const scalar>(initial), head_.data());
  }

  [[nodiscard]] std::vector<parameter<scalar>> states() const {
    return {{"head", 1, head_.size(), head_.data(), parameter_role::state}};
  }

  static std::size_t scratch_bytes(const Backend& backend, const operation& op, std::size_t samples) {
    workspace measure;
    (void)take_arrays(op, samples, measure);
    workspace response = measure;
    workspace weights = measure;
    workspace inputs = measure;
    backend.respond_scratch(head_map(op), samples, response);
    backend.weight_gradient_scratch(head_map(op), samples, weights);
    backend.input_gradient_scratch(head_map(op), samples, inputs);
    return (std::max)({response.used(), weights.used(), inputs.used()});
  }

  void compute_local_gradient(Backend& backend, const operation& op, const rule::local_error& rule,
                              const teaching_signal<scalar>& signal) {
    const auto map = head_map(op);
    const linear_map pool = whole_map(op.stage_output);
    workspace scratch(signal.scratch);
    const arrays a = take_arrays(op, signal.samples, scratch);
    backend.for_rows(signal.samples, pool.in.channels, kernel::average_pool<scalar>{pool, signal.output, a.pooled});
    backend.respond(map, {.samples = signal.samples, .x = a.pooled, .w = head_.data(), .u = a.errors}, scratch);
    backend.for_rows(signal.samples, map.outputs(),
                     kernel::softmax_error<scalar>{
                         a.errors, signal.labels, map.outputs(),
                         static_cast<scalar>(1 / static_cast<double>(std::max<std::size_t>(signal.labelled, 1)))});
    if (signal.gradient != nullptr) {
      backend.input_gradient(
          map, {.samples = signal.samples, .d = a.errors, .w = head_.data(), .dx = a.pooled_gradient}, scratch);
      backend.for_samples(signal.samples, pool.in.size(), pool.in.channels,
                          kernel::average_pool_gradient<scalar>{pool, a.pooled_gradient, signal.gradient});
    }
    if (!signal.apply_updates) return;
    backend.weight_gradient(map, {.samples = signal.samples, .x = a.pooled, .d = a.errors, .dw = a.head_gradient},
                            scratch);
    using direction = kernel::gradient_direction<scalar>;
    using step = optimizer::plain::step<scalar>;
    backend.reduce(map.outputs(), map.inputs(),
                   kernel::apply_update<scalar, direction, step, rule::no_constraint>{
                       head_.data(),
                       {},
                       kernel::row_split{map.inputs()},
                       direction{a.head_gradient, map.inputs()},
                       step{},
                       kernel::rate<scalar>{static_cast<scalar>(rule.head_rate)},
                       rule::no_constraint{},
                       a.changes},
                   a.changes);
  }

 private:
  struct arrays {
    scalar* pooled;           ///< samples x channels
    scalar* pooled_gradient;  ///< samples x channels
    scalar* errors;           ///< samples x classes
    scalar* head_gradient;    ///< classes x channels
    double* changes;          ///< classes: scratch of a reduction, and its result, which nothing reads
  };
  static arrays take_arrays(const operation& op, std::size_t samples, workspace& scratch) {
    const auto map = head_map(op);
    arrays a{};
    a.pooled = scratch.take<scalar>(samples * map.inputs());
    a.pooled_gradient = scratch.take<scalar>(samples * map.inputs());
    a.errors = scratch.take<scalar>(samples * map.outputs());
    a.head_gradient = scratch.take<scalar>(map.weights());
    a.changes = scratch.take<double>(map.outputs());
    return a;
  }
  static linear_map_of<map_kind::dense> head_map(const operation& op) {
    return {{{1, 1, op.stage_output.channels}, {1, 1, op.network_outputs}, {}}};
  }

  typename Backend::template array<scalar> head_;  ///< classes x channels
};

}  // namespace localis
