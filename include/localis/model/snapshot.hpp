#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/operation.hpp>

namespace localis {

/// A copy of a model's arrays on the host, as model::snapshot() makes and model::restore() takes it: weights and
/// running statistics, the states of rules and of their optimizers, and the numbers of their updates. The state of
/// gradient descent belongs to the trainer, and is not in it (train/stored_run.hpp has both).
template <class Scalar>
struct model_snapshot {
  std::vector<std::vector<Scalar>> arrays;
  std::vector<std::size_t> counts;
};

namespace detail {

template <class Model>
[[nodiscard, gnu::cold]] model_snapshot<typename Model::scalar> take_snapshot(Model& model) {
  model_snapshot<typename Model::scalar> result;
  const auto keep = [&](const operation&, const auto& p) { result.arrays.push_back(model.host_copy(p.values())); };
  model.for_each_parameter(keep);
  model.for_each_state(keep);
  for (const std::size_t* count : model.counts()) result.counts.push_back(*count);
  return result;
}

/// Errors: shape_error for the snapshot of another network; then nothing changes.
template <class Model>
[[gnu::cold]] void restore_snapshot(Model& model, const model_snapshot<typename Model::scalar>& stored) {
  using scalar = typename Model::scalar;
  std::vector<parameter<scalar>> arrays;
  const auto add = [&](const operation&, const parameter<scalar>& p) { arrays.push_back(p); };
  model.for_each_parameter(add);
  model.for_each_state(add);
  const std::vector<std::size_t*> counts = model.counts();
  const auto expect_same = [](const char* what, std::size_t expected, std::size_t found) {
    if (expected == found) return;
    throw shape_error(text("model::restore: ", what, ": expected ", expected, ", found ", found));
  };
  expect_same("arrays", arrays.size(), stored.arrays.size());
  expect_same("counts", counts.size(), stored.counts.size());
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    expect_same(text("values of array ", i, " (", arrays[i].name, ')').c_str(), arrays[i].size(),
                stored.arrays[i].size());
  }
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    model.backend().upload(std::span<const scalar>(stored.arrays[i]), arrays[i].value);
  }
  for (std::size_t i = 0; i < counts.size(); ++i) *counts[i] = stored.counts[i];
}

}  // namespace detail

}  // namespace localis
