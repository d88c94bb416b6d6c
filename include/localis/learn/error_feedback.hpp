#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <localis/backend/concept.hpp>
#include <localis/core/communicator.hpp>
#include <localis/core/memory.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/random.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/elementwise.hpp>
#include <localis/kernel/pooling.hpp>
#include <localis/kernel/update.hpp>
#include <localis/learn/local_loss.hpp>
#include <localis/math/cholesky.hpp>
#include <localis/rule/error_feedback.hpp>

namespace localis {

/// The local loss of rule::error_feedback: the last output errors of the network, multiplied by a matrix that is fitted
/// to true gradients.
template <class Backend>
class local_loss<Backend, rule::error_feedback> {
 public:
  using scalar = typename Backend::scalar;

  local_loss(Backend& backend, const operation& op, random_stream) {
    if (!op.has_local_loss) return;
    const std::size_t classes = op.network_outputs;
    const std::size_t channels = op.stage_output.channels;
    const auto take = [&](std::size_t size) {
      return backend.template allocate<scalar>(memory_kind::rule_state, size);
    };
    feedback_ = take(channels * classes);
    squares_ = take(classes * classes);
    products_ = take(classes * channels);
  }

  [[nodiscard]] std::vector<parameter<scalar>> states() const {
    return {{"feedback", 1, feedback_.size(), feedback_.data(), parameter_role::state},
            {"squares", 1, squares_.size(), squares_.data(), parameter_role::state},
            {"products", 1, products_.size(), products_.data(), parameter_role::state}};
  }
  [[nodiscard]] std::vector<std::size_t*> counts() { return {&observed_}; }

  static std::size_t scratch_bytes(const Backend& backend, const operation& op, std::size_t samples) {
    workspace measure;
    (void)take_arrays(op, samples, measure);
    workspace response = measure;
    workspace squares = measure;
    workspace products = measure;
    backend.respond_scratch(feedback_map(op), samples, response);
    backend.weight_gradient_scratch(square_map(op), samples, squares);
    backend.weight_gradient_scratch(product_map(op), samples, products);
    return (std::max)({response.used(), squares.used(), products.used()});
  }

  static std::size_t summed_values(const operation& op, bool learns) {
    return learns ? 0 : square_map(op).weights() + product_map(op).weights();
  }

  void compute_local_gradient(Backend& backend, const operation& op, const rule::error_feedback& rule,
                              const teaching_signal<scalar>& signal) {
    if (signal.gradient == nullptr) return;
    if (observed_ > 0) fit(backend, op, rule);
    const dense_map map = feedback_map(op);
    const linear_map pool = whole_map(op.stage_output);
    workspace scratch(signal.scratch);
    const arrays a = take_arrays(op, signal.samples, scratch);
    backend.respond(map, {.samples = signal.samples, .x = signal.errors, .w = feedback_.data(), .u = a.pooled},
                    scratch);
    backend.for_rows(1, signal.samples * map.outputs(),
                     kernel::scaled<scalar>{
                         a.pooled, a.pooled,
                         static_cast<scalar>(1 / static_cast<double>(std::max<std::size_t>(signal.labelled, 1)))});
    backend.for_samples(signal.samples, pool.in.size(), pool.in.channels,
                        kernel::average_pool_gradient<scalar>{pool, a.pooled, signal.gradient});
  }

  /// Adds the true gradient of the stage's output, with the output errors of the same step, to the fit.
  void observe(Backend& backend, const operation& op, const rule::error_feedback& rule,
               const teaching_signal<scalar>& signal) {
    const linear_map pool = whole_map(op.stage_output);
    workspace scratch(signal.scratch);
    const arrays a = take_arrays(op, signal.samples, scratch);
    // These are means over positions, of the gradient of the mean loss; times positions and the labelled samples they
    // are sums for each sample.
    backend.for_rows(signal.samples, pool.in.channels,
                     kernel::average_pool<scalar>{pool, static_cast<const scalar*>(signal.gradient), a.pooled});
    const auto values = static_cast<scalar>(signal.labelled * op.stage_output.positions());
    backend.for_rows(1, signal.samples * pool.in.channels, kernel::scaled<scalar>{a.pooled, a.pooled, values});
    const auto average_product = [&](const dense_map& map, const scalar* x, scalar* average) {
      backend.weight_gradient(map, {.samples = signal.samples, .x = x, .d = signal.errors, .dw = a.product}, scratch);
      detail::sum_over_ranks(signal.whole, a.product, map.weights());
      backend.for_rows(
          1, map.weights(),
          kernel::update_running_mean<scalar>{a.product, average, scalar(1), static_cast<scalar>(1 - rule.memory)});
    };
    average_product(square_map(op), signal.errors, squares_.data());
    average_product(product_map(op), a.pooled, products_.data());
    ++observed_;
  }

 private:
  using dense_map = linear_map_of<map_kind::dense>;

  struct arrays {
    scalar* pooled;   ///< samples x channels
    scalar* product;  ///< classes x the larger of classes and channels
  };
  static arrays take_arrays(const operation& op, std::size_t samples, workspace& scratch) {
    arrays a{};
    a.pooled = scratch.take<scalar>(samples * op.stage_output.channels);
    a.product = scratch.take<scalar>(op.network_outputs * (std::max)(op.network_outputs, op.stage_output.channels));
    return a;
  }
  static dense_map vector_map(std::size_t inputs, std::size_t outputs) {
    return {{{1, 1, inputs}, {1, 1, outputs}, {}}};
  }
  /// map from errors to pooled output, with weights channels x classes
  static dense_map feedback_map(const operation& op) {
    return vector_map(op.network_outputs, op.stage_output.channels);
  }
  static dense_map square_map(const operation& op) { return vector_map(op.network_outputs, op.network_outputs); }
  static dense_map product_map(const operation& op) { return vector_map(op.stage_output.channels, op.network_outputs); }

  void fit(Backend& backend, const operation& op, const rule::error_feedback& rule) {
    const std::size_t classes = op.network_outputs;
    const std::size_t channels = op.stage_output.channels;
    const auto read = [&](const auto& array) {
      std::vector<scalar> host(array.size());
      backend.download(array.data(), std::span<scalar>(host));
      return std::vector<double>(host.begin(), host.end());
    };
    std::vector<double> a = read(squares_);
    std::vector<double> q = read(products_);
    observed_ = 0;
    double trace = 0;
    for (std::size_t k = 0; k < classes; ++k) trace += a[k * classes + k];
    if (!(trace > 0)) return;
    for (std::size_t k = 0; k < classes; ++k) a[k * classes + k] += rule.ridge * trace / static_cast<double>(classes);
    math::solve_positive_definite(a, classes, q, channels);
    std::vector<scalar> turned(q.size());
    for (std::size_t k = 0; k < classes; ++k) {
      for (std::size_t c = 0; c < channels; ++c) turned[c * classes + k] = static_cast<scalar>(q[k * channels + c]);
    }
    backend.upload(std::span<const scalar>(turned), feedback_.data());
  }

  typename Backend::template array<scalar> feedback_;  ///< Q, transposed: channels x classes
  typename Backend::template array<scalar> squares_;   ///< classes x classes: mean of e^T e
  typename Backend::template array<scalar> products_;  ///< classes x channels: mean of e^T (true error)
  std::size_t observed_ = 0;                           ///< steps since the last fit
};

}  // namespace localis
