#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <localis/core/communicator.hpp>
#include <localis/core/operation.hpp>

namespace localis {

/// The training steps or predictions for which memory is planned and allocated.
struct memory_request {
  std::size_t batch = 64;           ///< largest batch
  std::size_t lowest_boundary = 0;  ///< no boundary below this one will occur; a higher value needs less memory
  std::size_t highest_boundary = static_cast<std::size_t>(-1);  ///< no higher one will occur; limited to the network's
  bool local_learning = true;  ///< false: the prefix is frozen and needs no scratch for its rules
  bool training = true;        ///< false: the memory serves predictions only
  /// True: batches arrive as bytes (data::batch_view::pixels), which takes less of a device's memory. Batches of floats
  /// are accepted, too, but on a device their upload does not overlap computation.
  bool pixels = false;
  std::size_t samples = 0;  ///< size of the data set, for what is kept by sample: error_feedback's errors, features
  /// The statistics of normalization layers before the boundary. With the statistics of a batch, the whole response
  /// must be stored first, which takes memory.
  prefix_normalization normalization = prefix_normalization::running;
  /// The largest step_options::part_samples of steps whose boundary is above 0; 0: the stages before the boundary do
  /// not learn by gradient. Their activations are kept of so many samples.
  std::size_t part_samples = 0;
  /// Above 0: the features that the stages before the boundary compute of each of the `samples` are kept, in at most so
  /// many bytes, and not computed again while these stages stay as they are (step_options::indices). The stages must be
  /// frozen, with frozen statistics, and a sample must have the same values in every step.
  std::size_t cache_bytes = 0;
  constexpr bool operator==(const memory_request&) const = default;
};

/// The run-time values of one step.
struct step_options {
  std::size_t boundary = 0;    ///< stages before it learn by their rules
  double local_rate = 0;       ///< step size of the rules; 0: the prefix is frozen
  double gain = 1;             ///< supervision's factor on the local rate
  bool gains_are_set = false;  ///< true: a kernel has written model::gains(), and gain and stage_gains are ignored
  prefix_normalization normalization = prefix_normalization::running;
  std::uint64_t step = 0;                    ///< counts steps from the start; draws dropout masks and sampled rows
  std::span<const double> stage_gains{};     ///< by stage, one more factor on the local rate; empty: 1
  std::span<const double> modulator{};       ///< by sample, the third factor of local updates; empty: 1
  double reward = 1;                         ///< factor on eligibility traces (rule::eligibility_trace)
  std::span<const std::uint32_t> labels{};   ///< by sample; for supervised rules
  std::span<const std::uint32_t> indices{};  ///< by sample, its number in the data set; for what is kept by sample
  /// The batch of all ranks, if the caller knows it; null: forward() asks them.
  const whole_batch* whole = nullptr;
  /// Above 0: the stages before the boundary do not learn by rules. They learn by gradient, from the first samples
  /// alone, so many, whose errors are multiplied by the size of the batch over their number: if the order of samples is
  /// random, the mean of these gradients is the gradient of the batch. For all samples, normalization before the
  /// boundary uses the statistics from before the step, as constants; those of the first samples enter them. Of no
  /// effect where the boundary is 0.
  std::size_t part_samples = 0;
  // On several ranks: whether the stages before the boundary, and those from it on, learn from the samples of this rank
  // alone. Every rank must have a sample then, and someone must average the weights of the ranks now and then.
  bool prefix_alone = false;
  bool suffix_alone = false;
  std::size_t classes = 0;    ///< classes of the data; outputs beyond them are ignored; 0: as many as outputs
  std::size_t resting = 0;    ///< the stages before this one do not learn, although they lie before the boundary
  bool prefix_only = false;   ///< true: the stages from the boundary on are not run; there are no outputs and no loss
  bool apply_updates = true;  ///< false: a dry run, which changes only outputs and gradients
  bool check_targets = true;  ///< false: the loss takes every row of targets, and the host does not look at them
};

}  // namespace localis
