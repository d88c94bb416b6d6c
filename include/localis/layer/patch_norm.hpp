#pragma once

#include <array>
#include <cstddef>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/random.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/patch_norm.hpp>

namespace localis {

/// The run-time part of patch_norm.
template <class Backend>
class patch_norm_layer {
 public:
  using scalar = typename Backend::scalar;

  double epsilon = 1e-5;  ///< added to the variance, in squares of the input; a larger value keeps flat patches small

  patch_norm_layer(Backend&, const operation&, random_stream) {}
  [[nodiscard]] std::array<parameter<scalar>, 0> parameters() const { return {}; }
  void validate() const {
    expect(is_finite(epsilon) && epsilon > 0, "patch_norm: epsilon", "a finite number > 0", epsilon);
  }
  static constexpr std::size_t saved(const operation&) { return 0; }
  static std::size_t scratch_bytes(const Backend&, const operation& op, std::size_t samples, phase run_phase) {
    workspace measure;
    (void)take_arrays(samples * op.in.positions(), run_phase, measure);
    return measure.used();
  }

  void forward(Backend& backend, const operation& op, const operands<scalar>& arrays, mode,
               const step_values<scalar>&) {
    const std::size_t rows = arrays.samples * op.in.positions();
    workspace scratch(arrays.scratch);
    const scratch_arrays a = take_arrays(rows, phase::train, scratch);
    find_statistics(backend, op, arrays, a);
    backend.for_rows(rows, op.in.channels,
                     kernel::patch_norm<scalar>{arrays.input, arrays.output, a.mean, a.inverse, op.in.channels});
  }
  void backward(Backend& backend, const operation& op, const operands<scalar>& arrays) {
    if (arrays.input_gradient == nullptr) return;
    const std::size_t rows = arrays.samples * op.in.positions();
    const std::size_t size = op.field.height;
    workspace scratch(arrays.scratch);
    const scratch_arrays a = take_arrays(rows, phase::backward, scratch);
    find_statistics(backend, op, arrays, a);
    backend.for_samples(rows, op.in.channels, 1,
                        kernel::patch_norm_coefficients<scalar>{op.in, size, arrays.input, arrays.output_gradient,
                                                                a.mean, a.inverse, a.level, a.slope});
    backend.for_samples(
        rows, op.in.channels + op.field.positions(), 1,
        kernel::patch_norm_gradient<scalar>{op.in, size, arrays.input, arrays.output_gradient, arrays.input_gradient,
                                            a.position_mean, a.mean, a.inverse, a.level, a.slope});
  }

 private:
  /// Arrays with one value for each position of all samples.
  struct scratch_arrays {
    scalar* position_mean;
    scalar* position_variance;
    scalar* mean;
    scalar* inverse;
    scalar* level;
    scalar* slope;
  };
  static scratch_arrays take_arrays(std::size_t rows, phase run_phase, workspace& scratch) {
    scratch_arrays a{};
    a.position_mean = scratch.take<scalar>(rows);
    a.position_variance = scratch.take<scalar>(rows);
    a.mean = scratch.take<scalar>(rows);
    a.inverse = scratch.take<scalar>(rows);
    if (run_phase != phase::backward) return a;
    a.level = scratch.take<scalar>(rows);
    a.slope = scratch.take<scalar>(rows);
    return a;
  }
  void find_statistics(Backend& backend, const operation& op, const operands<scalar>& arrays,
                       const scratch_arrays& a) const {
    const std::size_t rows = arrays.samples * op.in.positions();
    backend.for_samples(
        rows, op.in.channels, 1,
        kernel::position_statistics<scalar>{arrays.input, a.position_mean, a.position_variance, op.in.channels});
    backend.for_samples(rows, op.field.positions(), 1,
                        kernel::patch_statistics<scalar>{op.in, op.field.height, a.position_mean, a.position_variance,
                                                         a.mean, a.inverse, static_cast<scalar>(epsilon)});
  }
};

/// Patch normalization (local contrast normalization): normalizes each position by the mean and variance of the Size x
/// Size patch around it, over all channels; patches are cut at the border.
///
///   y_pc = (x_pc - m_p) / sqrt(v_p + epsilon)
///   m_p = (1/n_p) sum x,  v_p = (1/n_p) sum (x - m_p)^2     over the n_p values of the patch inside the map
///
///   x, y  H W positions x C, per sample
///
/// Use it as preprocessing before a convolution whose rule learns from patches.
///
/// Units:  epsilon in squares of x's unit, a run-time value: model.layer<I>().epsilon.
/// Cost: O(C + Size^2) per position. It saves its input; scratch: 4 values per position, backward 6.
/// Limits: a flat patch becomes 0; epsilon limits the amplification of noise on it.
/// Errors: config_error unless epsilon is finite and > 0.
/// Source: after A. Coates, H. Lee, A. Ng, AISTATS 2011, who normalize patches. Ours: the map is normalized once, not
///         every patch by itself.
template <std::size_t Size>
struct patch_norm {
  static_assert(Size % 2 == 1, "localis::patch_norm: the size of a patch must be odd, so that it has a center");

  static constexpr operation describe(const shape& in) {
    operation op;
    op.name = "patch_norm";
    op.kind = operation_kind::normalization;
    op.in = in;
    op.out = in;
    op.field = {Size, Size, 1, Size / 2};
    op.elementwise = true;
    op.saves = saved_values::input;
    return op;
  }
  template <class Backend>
  using state = patch_norm_layer<Backend>;
};

}  // namespace localis
