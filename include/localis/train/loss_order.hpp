#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include <localis/core/finite.hpp>
#include <localis/core/unlabelled.hpp>
#include <localis/data/batch.hpp>
#include <localis/model/metrics.hpp>

namespace localis::detail {

/// Copies of batches on the host in which the samples of the largest losses come first, by an evaluation of the model;
/// of equal losses, the first. The other samples keep their order. Samples without a label come last.
template <class Model>
class loss_order {
 public:
  using scalar = typename Model::scalar;
  using batch_view = data::batch_view<scalar>;

  /// Returns the batch with its `count` largest losses in front, valid until the next call.
  template <class Loss>
  [[nodiscard]] batch_view operator()(Model& model, const Loss& loss, const batch_view& batch, std::size_t classes,
                                      std::size_t count) {
    const std::vector<scalar> output = model.predict(batch);
    losses_.clear();
    for (std::size_t n = 0; n < batch.size; ++n) {
      const auto row = [n](auto values, std::size_t size) {
        return values.empty() ? values : values.subspan(n * size, size);
      };
      const double found =
          evaluate_outputs<scalar>(loss, row(std::span<const scalar>(output), Model::outputs), Model::outputs,
                                   row(batch.labels, 1), row(batch.targets, Model::outputs), classes)
              .loss;
      constexpr double infinity = std::numeric_limits<double>::infinity();
      const bool labelled = batch.labels.empty() || batch.labels[n] != data::unlabelled;
      losses_.push_back(found);
      if (is_nan(found)) losses_.back() = infinity;
      if (!labelled) losses_.back() = -infinity;
    }
    order_.resize(batch.size);
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    const auto middle = order_.begin() + static_cast<std::ptrdiff_t>(count);
    std::partial_sort(order_.begin(), middle, order_.end(), [this](std::size_t a, std::size_t b) {
      return losses_[a] != losses_[b] ? losses_[a] > losses_[b] : a < b;
    });
    std::sort(middle, order_.end());
    return {.size = batch.size,
            .features = ordered(batch.features, Model::network_type::input.size(), features_),
            .labels = ordered(batch.labels, 1, labels_),
            .targets = ordered(batch.targets, Model::outputs, targets_),
            .indices = ordered(batch.indices, 1, indices_)};
  }

 private:
  template <class T>
  std::span<const T> ordered(std::span<const T> rows, std::size_t size, std::vector<T>& target) const {
    target.clear();
    for (std::size_t n = 0; n < order_.size() && !rows.empty(); ++n) {
      const auto row = rows.subspan(order_[n] * size, size);
      target.insert(target.end(), row.begin(), row.end());
    }
    return target;
  }

  std::vector<double> losses_;
  std::vector<std::size_t> order_;
  std::vector<scalar> features_;
  std::vector<std::uint32_t> labels_;
  std::vector<scalar> targets_;
  std::vector<std::uint32_t> indices_;
};

}  // namespace localis::detail
