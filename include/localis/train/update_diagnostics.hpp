#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/operation.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/model.hpp>

namespace localis {

/// Compares the local update of one stage with the gradient, on one batch. Norms are Frobenius norms over the weights
/// of all trainable layers of the stage; row norms are those of single units.
struct stage_diagnostics {
  std::size_t stage = 0;
  double cosine = 0;  ///< between the local update and the descent direction -dl/dW; NaN if one of them is 0
  /// Between the gradient of the first 1/parts of the batch and that of all of it; NaN if one of them is 0. A step by
  /// gradient in every `parts`-th batch has this cosine, and costs with 2 parts as many products as a local rule: a
  /// rule with a smaller cosine cannot pay.
  double part_cosine = 0;
  double local_norm = 0;          ///< |dW| / eta, before optimizer and constraint
  double gradient_norm = 0;       ///< |dl/dW|
  double smallest_row = 0;        ///< the smallest norm of a weight row
  double mean_row = 0;            ///< the mean norm of a weight row
  double largest_row = 0;         ///< the largest norm of a weight row
  std::size_t channels = 0;       ///< number of channels of the stage's output
  std::size_t dead_channels = 0;  ///< number of channels with one value for all samples and positions of the batch
};

/// Computes how well the local updates of some stages agree with the gradient, without changing the model. It takes
/// three dry runs of a training step: two with all stages after the boundary yield the gradient of the batch and that
/// of a part of it, and one with these stages before it yields the updates of their rules, which are 0 if the local
/// rate is.
///
///   update_diagnostics diagnostics{model, {0, 1}};
///   for (const stage_diagnostics& stage : diagnostics(features, labels, {.local_rate = 1e-5})) ...
///
/// Cost:   2 + 1 / parts training steps, and the transfer of the stages' weights and outputs to the host.
/// State:  O x I per layer.
/// Errors: config_error for a stage that cannot lie before the boundary, for 0 parts, and if the model's memory is not
/// prepared for
///         all boundaries from 0 to the one after these stages.
template <class Model>
class update_diagnostics {
 public:
  using scalar = typename Model::scalar;

  /// The model is held by reference and must outlive this object. From here on its layers keep their last local update.
  update_diagnostics(Model& trained, std::vector<std::size_t> stages, std::size_t parts = 2)
      : model_(trained), stages_(std::move(stages)), parts_(parts) {
    expect(parts > 0, "update_diagnostics: parts", "at least 1", parts);
    std::sort(stages_.begin(), stages_.end());
    for (const std::size_t stage : stages_) {
      expect(stage < Model::network_type::highest_boundary, "update_diagnostics: stage",
             text("below the network's highest boundary, ", Model::network_type::highest_boundary).c_str(), stage);
    }
    for_each_layer([&](std::size_t, auto& layer) { layer.keep_direction(model_.backend()); });
  }

  /// The diagnostics of each stage for one batch, in ascending order of stages.
  /// @param options  those of the training step; the boundary is set here
  template <class Loss = loss::softmax_cross_entropy>
  std::vector<stage_diagnostics> operator()(std::span<const scalar> features, std::span<const std::uint32_t> labels,
                                            step_options options, const Loss& loss = {},
                                            std::span<const scalar> targets = {}) {
    std::vector<stage_diagnostics> result(stages_.size());
    if (stages_.empty()) return result;
    options.apply_updates = false;
    if (options.labels.empty()) options.labels = labels;
    const std::size_t samples = features.size() / Model::network_type::input.size();

    options.boundary = 0;
    model_.forward(features, samples, options);
    for (std::size_t k = 0; k < stages_.size(); ++k) {
      result[k].stage = stages_[k];
      count_dead_channels(result[k]);
    }
    model_.loss(loss, labels, targets);
    model_.backward();
    std::vector<std::vector<double>> gradients(stages_.size());
    std::vector<std::vector<double>> row_norms(stages_.size());
    for_each_gradient([&](std::size_t k, const parameter<scalar>& p, const scalar* gradient) {
      append(gradients[k], gradient, p.size());
      append_row_norms(row_norms[k], p);
    });
    const std::vector<std::vector<double>> part_gradients =
        gradients_of_part(features, labels, options, loss, targets, samples);

    std::vector<std::vector<double>> updates(stages_.size());
    if (options.local_rate > 0) {
      options.boundary = stages_.back() + 1;
      model_.forward(features, samples, options);
      for_each_layer(
          [&](std::size_t k, auto& layer) { append(updates[k], layer.direction().data(), layer.direction().size()); });
    } else {
      for (std::size_t k = 0; k < stages_.size(); ++k) updates[k].assign(gradients[k].size(), 0);
    }
    for (std::size_t k = 0; k < stages_.size(); ++k) {
      compare(result[k], updates[k], gradients[k]);
      result[k].part_cosine = cosine_of(part_gradients[k], gradients[k]);
      summarize_rows(result[k], row_norms[k]);
    }
    return result;
  }

 private:
  /// Calls f(index of its stage, parameter, gradient) for each weight matrix of the diagnosed stages.
  template <class F>
  void for_each_gradient(const F& f) {
    model_.for_each_gradient([&](const operation& op, const parameter<scalar>& p, const scalar* gradient) {
      const std::size_t k = index_of(op.stage);
      if (k < stages_.size() && op.trainable() && std::string_view(p.name) == "weight") f(k, p, gradient);
    });
  }
  /// The gradients of the first samples of a batch.
  template <class Loss>
  std::vector<std::vector<double>> gradients_of_part(std::span<const scalar> features,
                                                     std::span<const std::uint32_t> labels, step_options options,
                                                     const Loss& loss, std::span<const scalar> targets,
                                                     std::size_t samples) {
    const std::size_t part = (std::max)(samples / parts_, std::size_t{1});
    const auto first = [&](auto values) { return values.first(values.size() / samples * part); };
    options.labels = first(options.labels);
    options.indices = first(options.indices);
    options.modulator = first(options.modulator);
    model_.forward(first(features), part, options);
    model_.loss(loss, first(labels), first(targets));
    model_.backward();
    std::vector<std::vector<double>> gradients(stages_.size());
    for_each_gradient([&](std::size_t k, const parameter<scalar>& p, const scalar* gradient) {
      append(gradients[k], gradient, p.size());
    });
    return gradients;
  }
  /// The index of a stage among the diagnosed stages, or their number if the stage is not diagnosed.
  [[nodiscard]] std::size_t index_of(std::size_t stage) const {
    return static_cast<std::size_t>(std::find(stages_.begin(), stages_.end(), stage) - stages_.begin());
  }
  /// Calls f(index of its stage, layer) for each trainable layer of the diagnosed stages.
  template <class F>
  void for_each_layer(F&& f) {
    model_.for_each_layer([&](const operation& op, auto& layer) {
      if constexpr (requires { layer.keep_direction(model_.backend()); }) {
        const std::size_t k = index_of(op.stage);
        if (k < stages_.size()) f(k, layer);
      }
    });
  }
  void append(std::vector<double>& values, const scalar* array, std::size_t size) const {
    std::vector<scalar> host(size);
    model_.backend().download(array, std::span<scalar>(host));
    values.insert(values.end(), host.begin(), host.end());
  }
  void append_row_norms(std::vector<double>& norms, const parameter<scalar>& p) const {
    std::vector<double> weights;
    append(weights, p.value, p.size());
    for (std::size_t row = 0; row < p.rows; ++row) {
      double squares = 0;
      for (std::size_t i = row * p.columns; i < (row + 1) * p.columns; ++i) squares += weights[i] * weights[i];
      norms.push_back(std::sqrt(squares));
    }
  }
  static void summarize_rows(stage_diagnostics& result, const std::vector<double>& norms) {
    if (norms.empty()) return;
    const auto [smallest, largest] = std::minmax_element(norms.begin(), norms.end());
    result.smallest_row = *smallest;
    result.largest_row = *largest;
    result.mean_row = std::accumulate(norms.begin(), norms.end(), 0.0) / static_cast<double>(norms.size());
  }
  void count_dead_channels(stage_diagnostics& result) const {
    const std::span<const scalar> output = model_.stage_output(result.stage);
    std::vector<double> host;
    append(host, output.data(), output.size());
    for (const operation& op : Model::operations()) {
      if (op.stage == result.stage) result.channels = op.out.channels;
    }
    for (std::size_t c = 0; c < result.channels; ++c) {
      bool same = true;
      for (std::size_t i = c; i < host.size(); i += result.channels) same = same && host[i] == host[c];
      result.dead_channels += same ? 1 : 0;
    }
  }
  static double product_of(const std::vector<double>& a, const std::vector<double>& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  }
  static double cosine_of(const std::vector<double>& a, const std::vector<double>& b) {
    return product_of(a, b) / std::sqrt(product_of(a, a) * product_of(b, b));
  }
  static void compare(stage_diagnostics& result, const std::vector<double>& update,
                      const std::vector<double>& gradient) {
    result.local_norm = std::sqrt(product_of(update, update));
    result.gradient_norm = std::sqrt(product_of(gradient, gradient));
    result.cosine = -cosine_of(update, gradient);
  }

  Model& model_;
  std::vector<std::size_t> stages_;
  std::size_t parts_;
};

template <class M>
update_diagnostics(M&, std::vector<std::size_t>) -> update_diagnostics<M>;
template <class M>
update_diagnostics(M&, std::vector<std::size_t>, std::size_t) -> update_diagnostics<M>;

}  // namespace localis
