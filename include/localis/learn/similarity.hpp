#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <localis/backend/concept.hpp>
#include <localis/core/communicator.hpp>
#include <localis/core/error.hpp>
#include <localis/core/memory.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/random.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/similarity.hpp>
#include <localis/learn/local_loss.hpp>
#include <localis/rule/phsic.hpp>
#include <localis/rule/similarity_error.hpp>

namespace localis {

/// The local loss of rules that compare the samples of a batch in pairs: rule::similarity_error, rule::phsic, and a
/// rule of your own that is rule::compares_samples.
template <class Backend, rule::compares_samples Rule>
class local_loss<Backend, Rule> {
 public:
  using scalar = typename Backend::scalar;

  local_loss(Backend&, const operation&, random_stream) {}

  [[nodiscard]] std::vector<parameter<scalar>> states() const { return {}; }

  static std::size_t scratch_bytes(const Backend& backend, const operation& op, std::size_t samples) {
    workspace measure;
    // The width of a group is known in a step alone; one channel is the most memory.
    const kernel::group_extents extents = extents_of(op, 1);
    (void)take_arrays(extents, samples, measure);
    workspace response = measure;
    workspace inputs = measure;
    backend.respond_scratch(pair_map(extents, samples), samples, response);
    backend.input_gradient_scratch(pair_map(extents, samples), samples, inputs);
    return (std::max)(response.used(), inputs.used());
  }

  void compute_local_gradient(Backend& backend, const operation& op, const Rule& rule,
                              const teaching_signal<scalar>& signal) {
    if (signal.gradient == nullptr) return;
    if (signal.whole != nullptr) {
      throw config_error(text("rule ", op.rule, " of stage ", op.stage,
                              ": expected one rank, since it compares all samples of a batch in pairs, found ",
                              signal.whole->ranks->size()));
    }
    const std::size_t width = rule.group_channels;
    if (width > op.stage_output.channels || op.stage_output.channels % width != 0) {
      throw shape_error(text("rule ", op.rule, " of stage ", op.stage, ": group_channels: expected a divisor of the ",
                             op.stage_output.channels, " channels of the stage's output, found ", width));
    }
    const kernel::group_extents extents = extents_of(op, width);
    const std::size_t samples = signal.samples;
    const std::size_t groups = extents.groups();
    const auto pairs = static_cast<double>(std::max<std::size_t>(signal.labelled * signal.labelled, 1));
    const auto classes = static_cast<double>(op.network_outputs);
    const kernel::label_similarity<scalar> wanted{static_cast<scalar>(classes > 1 ? -1 / (classes - 1) : 1)};
    workspace scratch(signal.scratch);
    const arrays a = take_arrays(extents, samples, scratch);

    backend.for_samples(samples, op.stage_output.size(), groups,
                        kernel::group_activity<scalar>{extents, signal.output, a.mean, a.work, a.activity, a.slope,
                                                       static_cast<scalar>(rule.smoothing)});
    backend.for_rows(samples, groups, kernel::center_and_normalize<scalar>{a.activity, a.norms, groups});
    const auto map = pair_map(extents, samples);
    backend.respond(map, {.samples = samples, .x = a.activity, .w = a.activity, .u = a.pairs}, scratch);
    backend.for_rows(samples, samples, kernel::pair_sums<scalar>{a.pairs, signal.labels, samples, wanted, a.sums});
    backend.for_rows(1, samples, kernel::pair_means<scalar>{a.sums, samples, static_cast<scalar>(1 / pairs), a.means});
    backend.for_rows(samples, samples,
                     kernel::pair_errors<scalar, Rule>{rule, a.pairs, signal.labels, samples, wanted, a.means,
                                                       static_cast<scalar>(2 / pairs)});
    backend.input_gradient(map, {.samples = samples, .d = a.pairs, .w = a.activity, .dx = a.errors}, scratch);
    backend.for_rows(samples, groups,
                     kernel::center_and_normalize_gradient<scalar>{a.activity, a.norms, a.slope, a.errors, groups});
    backend.for_samples(
        samples, op.stage_output.size(), groups,
        kernel::group_activity_gradient<scalar>{extents, signal.output, a.mean, a.errors, signal.gradient});
  }

 private:
  struct arrays {
    scalar* mean;      ///< samples x channels
    scalar* work;      ///< samples x channels
    scalar* activity;  ///< samples x groups
    scalar* slope;     ///< samples x groups
    scalar* errors;    ///< samples x groups
    scalar* norms;     ///< samples
    scalar* pairs;     ///< samples x samples
    scalar* sums;      ///< 2 x samples
    scalar* means;     ///< 2
  };
  static arrays take_arrays(const kernel::group_extents& extents, std::size_t samples, workspace& scratch) {
    arrays a{};
    a.mean = scratch.take<scalar>(samples * extents.channels);
    a.work = scratch.take<scalar>(samples * extents.channels);
    a.activity = scratch.take<scalar>(samples * extents.groups());
    a.slope = scratch.take<scalar>(samples * extents.groups());
    a.errors = scratch.take<scalar>(samples * extents.groups());
    a.norms = scratch.take<scalar>(samples);
    a.pairs = scratch.take<scalar>(samples * samples);
    a.sums = scratch.take<scalar>(2 * samples);
    a.means = scratch.take<scalar>(2);
    return a;
  }
  static kernel::group_extents extents_of(const operation& op, std::size_t width) {
    return {op.stage_output.channels, op.stage_output.positions(), width};
  }
  /// From the activities of a sample to its similarities with all samples.
  static linear_map_of<map_kind::dense> pair_map(const kernel::group_extents& extents, std::size_t samples) {
    return {{{1, 1, extents.groups()}, {1, 1, samples}, {}}};
  }
};

}  // namespace localis
