#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include <localis/backend/concept.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/epilogue.hpp>
#include <localis/kernel/gate.hpp>

namespace localis::check {

/// The multiply-adds of matrix products, by purpose. One multiply-add is 2 FLOP.
struct multiply_adds {
  std::size_t response = 0;
  std::size_t rule = 0;  ///< products that a local rule adds to the response: G^T X, and those of its forget term
  std::size_t weight_gradient = 0;
  std::size_t input_gradient = 0;

  [[nodiscard]] constexpr std::size_t total() const { return response + rule + weight_gradient + input_gradient; }
  constexpr bool operator==(const multiply_adds&) const = default;
};

/// Wraps a backend and counts the multiply-adds of its matrix products: the exact cost of a step, the same on any
/// machine.
///
///   check::counting<cpu::backend<float>> backend;            // or counting{cpu::backend<float>{{.threads = 2}}}
///   model<net, decltype(backend)> m{{}, backend};
///   m.prepare({.batch = 64});
///   m.forward(features, 64, {.boundary = 1, .local_rate = 1e-5});
///   backend.counts().rule;                                   // what the local rule added to the forward pass
///
/// A product of a layer with P rows of output and O x I weights counts P O I, padding included; a sum in which only k
/// gates of a row are not 0 counts k P I. Element-wise work is not counted. Copies share their counts, so the caller's
/// copy shows the work of the model's copy. backend.counts() = {} resets them. Do not use it from several threads at
/// once.
template <class Backend>
class counting : public Backend {
 public:
  using scalar = typename Backend::scalar;

  counting() : counting(Backend()) {}
  explicit counting(Backend counted) : Backend(std::move(counted)), counts_(std::make_shared<multiply_adds>()) {}

  [[nodiscard]] multiply_adds& counts() const { return *counts_; }

  template <class Map, class Epilogue = kernel::no_epilogue>
  void respond(const Map& map, const response_arguments<scalar>& forward, workspace scratch,
               const Epilogue& epilogue = {}) const {
    counts_->response += work(map, forward.samples);
    Backend::respond(map, forward, scratch, epilogue);
  }
  template <class Map, class Gate, class Epilogue = kernel::no_epilogue>
  void respond_and_learn(const Map& map, const response_arguments<scalar>& forward,
                         const learning_arguments<scalar, Gate>& learn, workspace scratch,
                         const Epilogue& epilogue = {}) const {
    const learn_options& options = learn.options;
    const std::size_t rows = options.rows.count(map.rows(forward.samples));
    const std::size_t outputs = map.outputs();
    if (!options.response_is_given) counts_->response += work(map, forward.samples);
    std::size_t& products = std::is_same_v<Gate, kernel::error_gate<scalar>> ? counts_->weight_gradient : counts_->rule;
    products += rows * (options.active_gates > 0 ? options.active_gates * map.inputs() : map.weights());
    if (options.signal == gate_signal::reweighted) counts_->rule += rows * map.weights();
    if (options.forgetting == mutual_forgetting::matrix) counts_->rule += rows * outputs * outputs;
    if (options.forgetting == mutual_forgetting::remainder) counts_->rule += rows * map.weights();
    Backend::respond_and_learn(map, forward, learn, scratch, epilogue);
  }
  template <class Map>
  void weight_gradient(const Map& map, const weight_gradient_arguments<scalar>& backward, workspace scratch) const {
    counts_->weight_gradient += work(map, backward.samples);
    Backend::weight_gradient(map, backward, scratch);
  }
  template <class Map>
  void input_gradient(const Map& map, const input_gradient_arguments<scalar>& backward, workspace scratch) const {
    counts_->input_gradient += work(map, backward.samples);
    Backend::input_gradient(map, backward, scratch);
  }
  void subtract_product(const product_arguments<scalar>& product) const {
    counts_->rule += product.rows * product.inner * product.columns;
    Backend::subtract_product(product);
  }

 private:
  static std::size_t work(const linear_map& map, std::size_t samples) { return map.rows(samples) * map.weights(); }

  std::shared_ptr<multiply_adds> counts_;
};

}  // namespace localis::check
