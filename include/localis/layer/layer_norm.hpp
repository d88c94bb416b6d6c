#pragma once

#include <localis/layer/sample_norm.hpp>

namespace localis {

/// Layer normalization: normalizes each sample by the mean and variance of all its values.
///
///   y_pc = gamma_c (x_pc - m) / sqrt(v + epsilon) + beta_c,     m and v over the H W C values of the sample
///
///   x, y  H W positions x C, per sample;  gamma, beta  C
///
/// On vectors this is PyTorch's LayerNorm(C), on maps its GroupNorm(1, C): gamma and beta have one value per channel.
/// It is neither LayerNorm((H, W, C)), which has a gamma and beta for each position, nor LayerNorm(C) on channels-last
/// maps, which normalizes each position by itself. There are no running statistics: the computation is the same on both
/// sides of the boundary and in evaluation. gamma and beta do not change before the boundary.
///
/// Units:  epsilon in squares of x's unit, a run-time value: model.layer<I>().epsilon.
/// Cost: three passes over x, backward four. It saves its input; scratch: 2 values per sample and channel, backward 4.
/// Limits: y = beta for one value, or if all values are equal.
/// Errors: config_error unless epsilon is finite and > 0.
/// Source: J. L. Ba, J. R. Kiros, G. E. Hinton, arXiv 1607.06450.
struct layer_norm {
  static constexpr operation describe(const shape& in) {
    return detail::describe_sample_norm("layer_norm", in, 1, 2 * in.channels);
  }
  template <class Backend>
  using state = sample_norm_layer<Backend, true>;
};

}  // namespace localis
