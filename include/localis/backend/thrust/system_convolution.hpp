#pragma once

#include <cstddef>

#include <localis/backend/concept.hpp>
#include <localis/backend/thrust/local_sums.hpp>
#include <localis/backend/thrust/row_sums.hpp>
#include <localis/backend/thrust/unfolded.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/rows.hpp>

namespace localis::device {

/// Computes convolutions by those of the System, which read images in place:
///
///   convolves<T>(map)                                        returns whether the System computes this map
///   convolve(map, samples, x, w, u)                          U = X W^T
///   convolve_weight_gradient(map, samples, x, d, dw)         dW = D^T X
///   convolve_input_gradient(map, samples, d, w, dx, mode)    dX = D W or dX += D W
///
/// The sum of a local rule, G^T X, is the gradient of the weights for the error G. Passes that need rows of X are left
/// to unfolded_convolution.
template <class Scalar, class System, class Operand>
struct system_convolution {
  linear_map map;
  const System& system;

  [[nodiscard]] bool takes() const { return !map.pointwise() && system.template convolves<Scalar>(map); }

  void respond(const response_arguments<Scalar>& forward, workspace) const {
    system.convolve(map, forward.samples, forward.x, forward.w, forward.u);
  }
  void respond_scratch(std::size_t, workspace&) const {}

  template <class Gate>
  void respond_and_learn(const response_arguments<Scalar>& forward, const learning_arguments<Scalar, Gate>& learn,
                         workspace scratch) const {
    const learn_options& options = learn.options;
    if (!reads_images(options)) {
      unfolded().respond_and_learn(forward, learn, scratch);
      return;
    }
    const row_stretch rows{0, 1, map.rows(forward.samples)};
    const gate_arrays<Scalar> gates(map, options, rows.count, scratch);
    if (!options.response_is_given) respond(forward, scratch);
    if (options.signal == gate_signal::reweighted) {
      system.convolve(map, forward.samples, forward.x, learn.h, gates.signal_rows());
    }
    const gate_rows<Scalar> opened = gates.open(system, learn, rows, forward.u, kernel::store::replace, scratch);
    gates.multiply(system, options, rows.count, opened, learn.sums, kernel::store::replace);
    system.convolve_weight_gradient(map, forward.samples, forward.x, opened.gates, learn.sums.sum);
  }
  void learn_scratch(std::size_t samples, const learn_options& options, workspace& scratch) const {
    if (!reads_images(options)) {
      unfolded().learn_scratch(samples, options, scratch);
      return;
    }
    const gate_arrays<Scalar> gates(map, options, map.rows(samples), scratch);
    (void)row_sums<Scalar, System>(map.rows(samples), map.outputs(), options.unit_sums, scratch);
  }

  void weight_gradient(const weight_gradient_arguments<Scalar>& backward, workspace) const {
    system.convolve_weight_gradient(map, backward.samples, backward.x, backward.d, backward.dw);
  }
  void weight_gradient_scratch(std::size_t, workspace&) const {}

  void input_gradient(const input_gradient_arguments<Scalar>& backward, workspace) const {
    system.convolve_input_gradient(map, backward.samples, backward.d, backward.w, backward.dx, backward.mode);
  }
  void input_gradient_scratch(std::size_t, workspace&) const {}

 private:
  /// Returns whether a rule learns from all rows of X and needs none of them but in the product with its gates.
  [[nodiscard]] static constexpr bool reads_images(const learn_options& options) {
    return options.rows.every == 1 && options.rows.first == 0 && !options.sums_inputs &&
           options.forgetting != mutual_forgetting::remainder;
  }
  [[nodiscard]] unfolded_convolution<Scalar, System, Operand> unfolded() const { return {map, system}; }
};

}  // namespace localis::device
