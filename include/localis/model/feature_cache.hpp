#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/memory.hpp>
#include <localis/core/operation.hpp>
#include <localis/kernel/elementwise.hpp>
#include <localis/model/fusion.hpp>
#include <localis/model/staging.hpp>
#include <localis/model/step_options.hpp>

namespace localis::detail {

/// The features that frozen stages have computed of each sample of a data set: a row for each, the input of the first
/// stage behind them. A sample passes through frozen stages once; when the boundary moves on, its row is replaced by
/// what the stages between make of it.
///
/// Rows are kept before the highest stage up to the boundary whose rows of all samples fit into
/// memory_request::cache_bytes, and never behind dropout, which differs from step to step.
template <class Network, class Backend>
class feature_cache {
 public:
  using scalar = typename Backend::scalar;

  /// Allocates memory for the rows once the boundary may be above 0, and keeps those that are there.
  void prepare(Backend& backend, const memory_request& request) {
    if (!request.training) return;
    const bool kept = request.cache_bytes == limit_ && request.samples == stages_.size();
    if (!kept) release();
    if (request.cache_bytes == 0 || request.highest_boundary == 0) return;
    limit_ = request.cache_bytes;
    stages_.resize(request.samples);
    const std::size_t length = largest_row(request.lowest_boundary);
    if (length > row_) {
      rows_ = {};  // freed before the new ones are allocated
      row_ = 0;
      forget(0);
      rows_ = backend.template allocate<scalar>(memory_kind::features, request.samples * length);
      row_ = length;
    }
    if constexpr (!Backend::memory::host_accessible) {
      if (indices_.size() >= request.batch) return;
      indices_ = backend.template allocate<std::uint32_t>(memory_kind::features, request.batch);
    }
  }

  /// The stage whose inputs are kept in a step with this boundary; 0: none.
  [[nodiscard]] std::size_t stage_at(std::size_t boundary) const {
    std::size_t stage = (std::min)(boundary, first_with_dropout);
    while (stage > 0 && !fits(stage)) --stage;
    return stage;
  }
  /// The stage whose inputs are there for all of these samples; 0: none.
  /// Errors: config_error unless there is a number in the data set for each of the `samples`.
  [[nodiscard]] std::size_t find(std::span<const std::uint32_t> indices, std::size_t samples) const {
    if (indices.size() != samples) {
      throw config_error(text("model::forward: step_options::indices: expected ", samples,
                              ", one for each sample, since features are kept, found ", indices.size()));
    }
    bool common = true;
    for (const std::uint32_t index : indices) {
      if (index >= stages_.size()) {
        throw config_error(text("model::forward: step_options::indices: expected samples below ", stages_.size(),
                                " (memory_request::samples), found ", index));
      }
      common = common && stages_[index] == stages_[indices.front()];
    }
    return common ? stages_[indices.front()] : 0;
  }
  /// Copies the inputs of a stage to `target`, a row for each sample.
  void load(Backend& backend, std::size_t stage, std::span<const std::uint32_t> indices, scalar* target) const {
    const std::size_t columns = row_length(stage);
    backend.for_rows(indices.size(), columns,
                     kernel::gather_rows<scalar>{rows_.data(), to_device(backend, indices, indices_.data()), nullptr,
                                                 target, columns, row_});
  }
  /// Keeps the inputs of a stage.
  void store(Backend& backend, std::size_t stage, std::span<const std::uint32_t> indices, const scalar* source) {
    const std::size_t columns = row_length(stage);
    backend.for_rows(indices.size(), columns,
                     kernel::scatter_rows<scalar>{source, to_device(backend, indices, indices_.data()), rows_.data(),
                                                  columns, row_});
    for (const std::uint32_t index : indices) stages_[index] = static_cast<std::uint32_t>(stage);
    highest_ = (std::max)(highest_, stage);
  }
  /// Forgets the rows that no longer hold once the stages from `changed` on have changed.
  void forget(std::size_t changed) {
    if (highest_ <= changed) return;
    for (std::uint32_t& stage : stages_) stage = stage > changed ? 0 : stage;
    highest_ = changed;
  }

 private:
  /// The first stage with dropout; its inputs do not depend on it.
  static constexpr std::size_t first_with_dropout = [] {
    std::size_t first = Network::stages;
    for (const operation& op : Network::program.operations) {
      if (op.kind == operation_kind::dropout) first = (std::min)(first, op.stage);
    }
    return first;
  }();
  [[nodiscard]] static std::size_t row_length(std::size_t stage) {
    return fusion_facts<Network, Backend>::last_of_stage(stage - 1).out.size();
  }
  [[nodiscard]] bool fits(std::size_t stage) const {
    return row_length(stage) <= limit_ / sizeof(scalar) / stages_.size();
  }
  /// The length of the longest row at a boundary from `lowest` on.
  [[nodiscard]] std::size_t largest_row(std::size_t lowest) const {
    std::size_t largest = 0;
    for (std::size_t boundary = (std::max<std::size_t>)(lowest, 1); boundary <= Network::highest_boundary; ++boundary) {
      const std::size_t stage = stage_at(boundary);
      if (stage > 0) largest = (std::max)(largest, row_length(stage));
    }
    return largest;
  }
  void release() {
    rows_ = {};
    indices_ = {};
    stages_.clear();
    row_ = limit_ = highest_ = 0;
  }

  typename Backend::template array<scalar> rows_;            ///< data set x row_
  typename Backend::template array<std::uint32_t> indices_;  ///< by sample of the batch, on a device
  std::vector<std::uint32_t> stages_;  ///< by sample of the data set: the stage whose input its row is; 0: none
  std::size_t row_ = 0;                ///< values from one row to the next
  std::size_t limit_ = 0;              ///< bytes of all rows
  std::size_t highest_ = 0;            ///< no row is the input of a higher stage
};

}  // namespace localis::detail
