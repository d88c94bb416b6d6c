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

/// What one stage's local update has to do with the gradient, on one batch. Norms are Frobenius norms over the weights
/// of all trainable layers of the stage, rows those of single units.
struct stage_diagnostics {
  std::size_t stage = 0;
  double cosine = 0;         ///< of the local update and the descent direction -dl/dW; NaN where one of them is 0
  double local_norm = 0;     ///< |dW| / eta, before optimizer and constraint
  double gradient_norm = 0;  ///< |dl/dW|
  double smallest_row = 0;   ///< norms of weight rows, of all layers
  double mean_row = 0;
  double largest_row = 0;
  std::size_t channels = 0;       ///< of the stage's output
  std::size_t dead_channels = 0;  ///< those that gave the same value for all samples and positions of the batch
};

/// Looks at some stages of a model without changing it: two dry runs of a step, one with all stages behind the
/// boundary for the gradient, one with these before it for their rules.
///
///   update_diagnostics look{model, {0, 1}};
///   for (const stage_diagnostics& seen : look(features, labels, {.local_rate = 1e-5})) ...
///
/// Cost:   two training steps, and the transfer of the stages' weights and outputs to the host.
/// State:  O x I per layer.
/// Errors: config_error for a stage that cannot lie before the boundary, and where the model's memory is not prepared
///         for all boundaries from 0 to behind the stages.
template <class Model>
class update_diagnostics {
 public:
  using scalar = typename Model::scalar;

  update_diagnostics(Model& watched, std::vector<std::size_t> stages) : model_(watched), stages_(std::move(stages)) {
    std::sort(stages_.begin(), stages_.end());
    for (const std::size_t stage : stages_) {
      expect(stage < Model::network_type::highest_boundary, "update_diagnostics: stage",
             text("below the network's highest boundary, ", Model::network_type::highest_boundary).c_str(), stage);
    }
    for_layers([&](std::size_t, auto& layer) { layer.keep_direction(model_.backend()); });
  }

  /// @param how  the pass as training would run it; its boundary is set here
  template <class Loss = loss::softmax_cross_entropy>
  std::vector<stage_diagnostics> operator()(std::span<const scalar> features, std::span<const std::uint32_t> labels,
                                            step_options options, const Loss& loss = {},
                                            std::span<const scalar> targets = {}) {
    std::vector<stage_diagnostics> result(stages_.size());
    if (stages_.empty()) return result;
    options.apply_updates = false;
    if (options.labels.empty()) options.labels = labels;
    const std::size_t samples = features.size() / Model::network_type::input.size();

    step_options all = options;
    all.boundary = 0;
    model_.forward(features, samples, all);
    for (std::size_t k = 0; k < stages_.size(); ++k) {
      result[k].stage = stages_[k];
      count_dead(result[k]);
    }
    model_.loss(loss, labels, targets);
    model_.backward();
    std::vector<std::vector<double>> gradients(stages_.size());
    std::vector<std::vector<double>> row_norms(stages_.size());
    model_.for_each_gradient([&](const operation& op, const parameter<scalar>& p, const scalar* gradient) {
      const std::size_t k = place(op.stage);
      if (k == stages_.size() || !op.trainable() || std::string_view(p.name) != "weight") return;
      append(gradients[k], gradient, p.size());
      append_row_norms(row_norms[k], p);
    });

    options.boundary = stages_.back() + 1;
    model_.forward(features, samples, options);
    std::vector<std::vector<double>> local(stages_.size());
    for_layers(
        [&](std::size_t k, auto& layer) { append(local[k], layer.direction().data(), layer.direction().size()); });
    for (std::size_t k = 0; k < stages_.size(); ++k) {
      compare(result[k], local[k], gradients[k]);
      note_rows(result[k], row_norms[k]);
    }
    return result;
  }

 private:
  [[nodiscard]] std::size_t place(std::size_t stage) const {
    return static_cast<std::size_t>(std::find(stages_.begin(), stages_.end(), stage) - stages_.begin());
  }
  /// f(place of its stage, layer) for the trainable layers of the stages looked at.
  template <class F>
  void for_layers(F&& f) {
    model_.for_each_layer([&](const operation& op, auto& layer) {
      if constexpr (requires { layer.keep_direction(model_.backend()); }) {
        const std::size_t k = place(op.stage);
        if (k < stages_.size()) f(k, layer);
      }
    });
  }
  void append(std::vector<double>& to, const scalar* from, std::size_t size) const {
    std::vector<scalar> host(size);
    model_.backend().download(from, std::span<scalar>(host));
    to.insert(to.end(), host.begin(), host.end());
  }
  void append_row_norms(std::vector<double>& to, const parameter<scalar>& p) const {
    std::vector<double> weights;
    append(weights, p.value, p.size());
    for (std::size_t row = 0; row < p.rows; ++row) {
      double squares = 0;
      for (std::size_t i = row * p.columns; i < (row + 1) * p.columns; ++i) squares += weights[i] * weights[i];
      to.push_back(std::sqrt(squares));
    }
  }
  static void note_rows(stage_diagnostics& seen, const std::vector<double>& norms) {
    if (norms.empty()) return;
    const auto [smallest, largest] = std::minmax_element(norms.begin(), norms.end());
    seen.smallest_row = *smallest;
    seen.largest_row = *largest;
    seen.mean_row = std::accumulate(norms.begin(), norms.end(), 0.0) / static_cast<double>(norms.size());
  }
  void count_dead(stage_diagnostics& seen) const {
    const std::span<const scalar> output = model_.stage_output(seen.stage);
    std::vector<double> host;
    append(host, output.data(), output.size());
    for (const operation& op : Model::operations()) {
      if (op.stage == seen.stage) seen.channels = op.out.channels;
    }
    for (std::size_t c = 0; c < seen.channels; ++c) {
      bool same = true;
      for (std::size_t i = c; i < host.size(); i += seen.channels) same = same && host[i] == host[c];
      seen.dead_channels += same ? 1 : 0;
    }
  }
  static void compare(stage_diagnostics& seen, const std::vector<double>& local, const std::vector<double>& gradient) {
    double both = 0;
    double local_squares = 0;
    double gradient_squares = 0;
    for (std::size_t i = 0; i < local.size(); ++i) {
      both -= local[i] * gradient[i];
      local_squares += local[i] * local[i];
      gradient_squares += gradient[i] * gradient[i];
    }
    seen.local_norm = std::sqrt(local_squares);
    seen.gradient_norm = std::sqrt(gradient_squares);
    seen.cosine = both / (seen.local_norm * seen.gradient_norm);
  }

  Model& model_;
  std::vector<std::size_t> stages_;
};

}  // namespace localis
