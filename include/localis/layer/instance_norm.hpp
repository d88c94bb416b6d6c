#pragma once

#include <localis/layer/sample_norm.hpp>

namespace localis {

/// Instance normalization: normalizes each channel of each sample by its mean and variance over the positions.
///
///   y_pc = (x_pc - m_c) / sqrt(v_c + epsilon),     m_c and v_c over the H W positions
///
///   x, y  H W positions x C, per sample
///
/// As in PyTorch's InstanceNorm2d by default, there are no affine parameters and no running statistics, and the
/// computation is the same on both sides of the boundary and in evaluation.
///
/// Units:  epsilon in squares of x's unit, a run-time value: model.layer<I>().epsilon.
/// Cost: three passes over x, backward four. It saves its input; scratch: 2 values per sample and channel, backward 4.
/// Limits: y = 0 for one position, or if all positions are equal.
/// Errors: config_error unless epsilon is finite and > 0.
/// Source: D. Ulyanov, A. Vedaldi, V. Lempitsky, arXiv 1607.08022.
struct instance_norm {
  static constexpr operation describe(const shape& in) {
    return detail::describe_sample_norm("instance_norm", in, in.channels, 0);
  }
  template <class Backend>
  using state = sample_norm_layer<Backend, false>;
};

/// Instance normalization with gamma and beta per channel, y = gamma_c (...) + beta_c, which do not change before the
/// boundary.
struct affine_instance_norm {
  static constexpr operation describe(const shape& in) {
    return detail::describe_sample_norm("affine_instance_norm", in, in.channels, 2 * in.channels);
  }
  template <class Backend>
  using state = sample_norm_layer<Backend, true>;
};

}  // namespace localis
