#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <localis/core/operation.hpp>

namespace localis {

/// What the arena is planned for.
struct memory_request {
  std::size_t batch = 64;           ///< largest batch
  std::size_t lowest_boundary = 0;  ///< boundaries below will not come; the higher, the less memory
  std::size_t highest_boundary = static_cast<std::size_t>(-1);  ///< none above will come; at most the network's
  bool local_learning = true;  ///< false: the prefix is frozen and needs no scratch for its rules
  bool training = true;        ///< false: predictions only
  std::size_t samples = 0;     ///< of the data set; for rules that remember a row for each (error_feedback)
  /// Before the boundary; what a batch's own statistics normalize must be there as a whole, which takes memory.
  prefix_normalization normalization = prefix_normalization::running;
  constexpr bool operator==(const memory_request&) const = default;
};

/// One step, as run-time values.
struct step_options {
  std::size_t boundary = 0;    ///< stages before it learn by their rules
  double local_rate = 0;       ///< step size of the rules; 0: the prefix is frozen
  double gain = 1;             ///< supervision's factor on the local rate
  bool gains_are_set = false;  ///< gain and stage_gains are not read: a kernel has written model::gains()
  prefix_normalization normalization = prefix_normalization::running;
  std::uint64_t step = 0;                    ///< counts steps from the start; draws dropout masks and sampled rows
  std::span<const double> stage_gains{};     ///< by stage, one more factor on the local rate; empty: 1
  std::span<const double> modulator{};       ///< by sample, the third factor of its part of local updates; empty: 1
  std::span<const std::uint32_t> labels{};   ///< by sample; for rules that are supervised
  std::span<const std::uint32_t> indices{};  ///< by sample, its number in the data set; for rules that remember samples
  std::size_t classes =
      0;  ///< of the data: outputs beyond them take no part in loss and accuracy; 0: as many as outputs
  bool apply_updates = true;  ///< false: a dry run, which computes everything and changes outputs and gradients alone
};

}  // namespace localis
