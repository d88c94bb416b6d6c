#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <localis/backend/concept.hpp>
#include <localis/core/communicator.hpp>
#include <localis/core/memory.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/random.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/pooling.hpp>
#include <localis/kernel/softmax.hpp>
#include <localis/kernel/update.hpp>
#include <localis/learn/local_loss.hpp>
#include <localis/optimizer/plain.hpp>
#include <localis/rule/policy.hpp>

namespace localis {

/// A linear classifier of the output of a stage, and its cross entropy: what rule::local_error and rule::predsim learn
/// from. It sees the means of Side x Side parts of each map, which overlap where Side does not divide its height or
/// width; of maps with fewer rows or columns, each of these.
template <class Backend, std::size_t Side>
class pooled_head {
 public:
  using scalar = typename Backend::scalar;

  /// Draws the initial head, normal with mean 0 and deviation sqrt(1 / inputs).
  pooled_head(Backend& backend, const operation& op, random_stream random) {
    if (!op.has_local_loss) return;
    head_ = backend.template allocate<scalar>(memory_kind::rule_state, head_map(op).weights());
    const double deviation = 1 / std::sqrt(static_cast<double>(head_map(op).inputs()));
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

  /// The number of values that a step of the head adds up over the ranks.
  static std::size_t summed_values(const operation& op) { return head_map(op).weights(); }

  /// Fills signal.gradient, and lets the head learn by this rate.
  void compute_local_gradient(Backend& backend, const operation& op, double rate,
                              const teaching_signal<scalar>& signal) {
    const auto map = head_map(op);
    const linear_map pool = pool_map(op.stage_output);
    workspace scratch(signal.scratch);
    const arrays a = take_arrays(op, signal.samples, scratch);
    backend.for_rows(signal.samples * pool.out.positions(), pool.in.channels,
                     kernel::average_pool<scalar>{pool, signal.output, a.pooled});
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
    detail::sum_over_ranks(signal.whole, a.head_gradient, map.weights());
    using direction = kernel::gradient_direction<scalar>;
    using step = optimizer::plain::step<scalar>;
    backend.reduce(map.outputs(), map.inputs(),
                   kernel::apply_update<scalar, direction, step, rule::no_constraint>{
                       head_.data(),
                       {},
                       kernel::row_split{map.inputs()},
                       direction{a.head_gradient, map.inputs()},
                       step{},
                       kernel::rate<scalar>{static_cast<scalar>(rate)},
                       rule::no_constraint{},
                       a.changes},
                   a.changes);
  }

 private:
  struct arrays {
    scalar* pooled;           ///< samples x inputs
    scalar* pooled_gradient;  ///< samples x inputs
    scalar* errors;           ///< samples x classes
    scalar* head_gradient;    ///< classes x inputs
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
    return {{{1, 1, pool_map(op.stage_output).out.size()}, {1, 1, op.network_outputs}, {}}};
  }
  static linear_map pool_map(const shape& maps) {
    const std::size_t rows = (std::min)(Side, maps.height);
    const std::size_t columns = (std::min)(Side, maps.width);
    const lengths stride{maps.height / rows, maps.width / columns};
    const window part{maps.height - (rows - 1) * stride.height, maps.width - (columns - 1) * stride.width, stride, 0};
    return {maps, part.output(maps, maps.channels), part};
  }

  typename Backend::template array<scalar> head_;  ///< classes x inputs
};

}  // namespace localis
