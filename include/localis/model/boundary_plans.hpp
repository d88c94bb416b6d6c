#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/divide.hpp>
#include <localis/model/batch_loss.hpp>
#include <localis/model/distributed_pass.hpp>
#include <localis/model/fusion.hpp>
#include <localis/model/layer_pack.hpp>
#include <localis/model/memory_plan.hpp>
#include <localis/model/step_options.hpp>

namespace localis::detail {

/// The memory plans for a request: one for each boundary that may occur, and one for predictions.
struct boundary_plans {
  memory_request request;
  std::vector<plan> plans;  ///< one per boundary from the lowest on, then the one for predictions

  [[nodiscard]] const plan& training(std::size_t boundary) const { return plans[boundary - request.lowest_boundary]; }
  [[nodiscard]] const plan& prediction() const { return plans.back(); }
  /// The plan that needs the most bytes; an arena of this size fits all plans.
  [[nodiscard]] const plan& largest() const {
    return *std::max_element(plans.begin(), plans.end(),
                             [](const plan& a, const plan& b) { return a.bytes < b.bytes; });
  }
  /// The bytes that are needed, by kind, for the message of an allocation that failed.
  [[nodiscard, gnu::cold]] std::string needs() const {
    const plan& worst = largest();
    return text("; model::prepare: a batch of ", request.batch, " needs an arena of ", worst.bytes,
                " bytes, which activations (", worst.activation_bytes, "), gradients (", worst.gradient_bytes,
                ") and scratch (", worst.scratch_bytes, ") share");
  }
};

[[gnu::cold]] inline void check_part(const memory_request& request) {
  expect(request.part_samples <= request.batch, "model::prepare: part_samples",
         text("at most the batch, ", request.batch).c_str(), request.part_samples);
  if (request.local_learning) {
    throw config_error(
        "model::prepare: local_learning: expected false with part_samples, since the stages before the boundary learn "
        "by gradient, found true");
  }
  if (request.normalization == prefix_normalization::batch) {
    throw config_error(
        "model::prepare: normalization: expected running or frozen with part_samples, since no pass sees the whole "
        "batch, found batch");
  }
}

[[gnu::cold]] inline void check_cache(const memory_request& request, bool alone) {
  const auto expect_that = [](bool holds, const char* what, const char* expected, const char* found) {
    if (holds) return;
    throw config_error(text("model::prepare: ", what, ": expected ", expected,
                            " with cache_bytes, which keeps what frozen stages give, found ", found));
  };
  expect_that(request.samples > 0, "samples", "the size of the data set", "0");
  expect_that(!request.local_learning, "local_learning", "false", "true");
  expect_that(request.part_samples == 0, "part_samples", "0", "more");
  expect_that(request.normalization == prefix_normalization::frozen, "normalization", "frozen", "other statistics");
  expect_that(alone, "ranks", "one", "several");
}

inline void check_request(const memory_request& request, std::span<const operation> program) {
  expect(request.batch > 0, "model::prepare: batch", "at least 1", request.batch);
  if (request.lowest_boundary > request.highest_boundary) {
    throw config_error(text("model::prepare: lowest_boundary: expected at most ", request.highest_boundary,
                            " (the last stage, and every stage without a rule, learn by gradient), found ",
                            request.lowest_boundary));
  }
  if (request.part_samples > 0) check_part(request);
  for (const operation& op : program) {
    const std::size_t positions = (std::max)(op.in.positions(), op.out.positions());
    if (positions <= kernel::most_rows / request.batch) continue;
    throw config_error(text("model::prepare: batch: expected at most ", kernel::most_rows / positions,
                            ", since kernels count rows in 31 bits (", op.name, ": ", positions, " per sample), found ",
                            request.batch));
  }
}

/// The kind of forward pass of an operation, on which its scratch memory depends. For predictions the boundary is
/// `stages`.
constexpr phase forward_phase(const operation& op, const memory_request& request, std::size_t boundary,
                              std::size_t stages) {
  if (boundary == stages) return phase::evaluate;
  if (op.stage >= boundary || request.part_samples > 0) return phase::train;
  if (!request.local_learning) return phase::evaluate;
  return op.supervised() ? phase::train : phase::learn;
}

/// Whether the operations of a stage run on request.part_samples at a time.
constexpr bool runs_by_part(std::size_t stage, const memory_request& request, std::size_t boundary,
                            std::size_t stages) {
  return request.part_samples > 0 && stage < boundary && boundary < stages;
}

/// Marks the operations that write the last output of the prefix, of which the suffix reads the whole batch.
[[gnu::cold]] inline void mark_prefix_output(std::span<const operation> program, std::size_t boundary,
                                             std::span<operation_bytes> bytes) {
  std::size_t i = program.size();
  while (program[i - 1].stage >= boundary) --i;
  while (i > 0) {
    const operation& op = program[--i];
    bytes[i].holds_batch = true;
    if (op.fused_into_previous) continue;  // the operation before writes there
    if (op.passes_on()) {
      i = op.input;
    } else if (op.kind == operation_kind::concatenate) {
      i = op.skip;
    } else {
      return;
    }
  }
}

/// The bytes that one operation needs, and which of the operations after it run in its pass.
template <class Network, class Backend, std::size_t Index>
[[gnu::cold]] void measure_operation(const Backend& backend, const layer_pack<Network, Backend>& layers,
                                     const memory_request& request, std::size_t boundary,
                                     std::span<operation_bytes> bytes) {
  using scalar = typename Backend::scalar;
  using facts = fusion_facts<Network, Backend>;
  constexpr std::size_t last = facts::last_in_epilogue(Index);
  const operation& op = Network::program.operations[Index];
  const auto& layer = get<Index>(layers);
  const phase forward = forward_phase(op, request, boundary, Network::stages);
  operation_bytes& b = bytes[Index];
  const auto by_part = [&](const operation& o) { return runs_by_part(o.stage, request, boundary, Network::stages); };
  const std::size_t samples = by_part(op) ? request.part_samples : request.batch;
  // The suffix computes the gradient of what it reads of the prefix for a part alone.
  const bool reads_part = op.trainable() && op.input > 0 && by_part(Network::program.operations[op.input - 1]);
  b.input = (reads_part ? request.part_samples : samples) * op.in.size() * sizeof(scalar);
  b.output = (b.holds_batch ? request.batch : samples) * op.out.size() * sizeof(scalar);
  b.saved = layer.saved(op) * sizeof(scalar);
  workspace gradients;
  for (const auto& p : layer.parameters()) {
    if (p.trainable() && p.size() > 0) (void)gradients.take<scalar>(p.size());
  }
  b.gradients = gradients.used();
  if constexpr (last > Index) {
    const bool fuses = boundary == Network::stages || (forward != phase::train && op.stage < boundary &&
                                                       request.normalization != prefix_normalization::batch);
    for (std::size_t i = Index + 1; fuses && i <= last; ++i) bytes[i].fused_by = Index;
    b.forward_scratch = layer.scratch_bytes(
        backend, op, samples, forward,
        {fuses || (forward == phase::train && !by_part(op)), fuses ? facts::pooled_side(Index) : 1});
  } else {
    b.forward_scratch = layer.scratch_bytes(backend, op, samples, forward);
  }
  b.backward_scratch = layer.scratch_bytes(backend, op, samples, phase::backward);
  if constexpr (requires { layer.local_loss_scratch_bytes(backend, op, samples); }) {
    if (boundary < Network::stages && request.local_learning) {
      b.local_loss_scratch = layer.local_loss_scratch_bytes(backend, op, samples);
      b.learn_scratch = layer.learn_scratch_bytes(backend, op, samples);
    }
  }
}

template <class Network, class Backend>
[[gnu::cold]] plan plan_boundary(const Backend& backend, const layer_pack<Network, Backend>& layers,
                                 const memory_request& request, std::size_t boundary,
                                 const distributed_pass<Network, Backend>* distributed) {
  std::vector<operation_bytes> bytes(Network::size);
  const bool by_part = runs_by_part(0, request, boundary, Network::stages);
  if (by_part) mark_prefix_output(Network::program.operations, boundary, bytes);
  for_each_index<Network::size>([&]<std::size_t Index>() {
    measure_operation<Network, Backend, Index>(backend, layers, request, boundary, bytes);
  });
  if (distributed != nullptr && boundary < Network::stages) {
    distributed->measure(backend, layers, request, boundary, bytes);
  }
  return make_plan(Network::program.operations, bytes, Network::stages, by_part ? 0 : boundary,
                   loss_parts(request.batch) * sizeof(double),
                   distributed == nullptr ? 0 : distributed->options().bucket_bytes);
}

/// Plans for all boundaries of a request; the highest boundary is lowered to that of the network if it is larger.
/// `distributed` is null if there is one rank. Errors: config_error.
template <class Network, class Backend>
[[gnu::cold]] boundary_plans plan_boundaries(const Backend& backend, const layer_pack<Network, Backend>& layers,
                                             memory_request request,
                                             const distributed_pass<Network, Backend>* distributed) {
  request.highest_boundary =
      (std::min)(request.highest_boundary, request.part_samples > 0 ? Network::stages - 1 : Network::highest_boundary);
  check_request(request, Network::program.operations);
  if (request.training && request.cache_bytes > 0) check_cache(request, distributed == nullptr);
  boundary_plans result{request, {}};
  const std::size_t first = request.training ? request.lowest_boundary : Network::stages;
  for (std::size_t boundary = first; boundary <= request.highest_boundary; ++boundary) {
    result.plans.push_back(plan_boundary<Network>(backend, layers, request, boundary, distributed));
  }
  result.plans.push_back(plan_boundary<Network>(backend, layers, request, Network::stages, distributed));
  return result;
}

}  // namespace localis::detail
