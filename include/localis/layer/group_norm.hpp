#pragma once

#include <cstddef>

#include <localis/core/operation.hpp>
#include <localis/core/shape.hpp>
#include <localis/layer/sample_norm.hpp>

namespace localis {

/// Group normalization: divides the channels of each sample into groups of neighbouring channels, and normalizes each
/// group by the mean and variance of all its values.
///
///   y_pc = gamma_c (x_pc - m_g) / sqrt(v_g + epsilon) + beta_c,     m_g and v_g over the H W C / Groups values of the
///                                                                   group g of c
///
///   x, y  H W positions x C, per sample;  gamma, beta  C
///
/// One group is layer_norm, and as many groups as channels are affine_instance_norm. There are no running statistics:
/// the computation is the same on both sides of the boundary and in evaluation. gamma and beta do not change before the
/// boundary.
///
/// Units:  epsilon in squares of x's unit, a run-time value: model.layer<I>().epsilon.
/// Cost: three passes over x, backward four. It saves its input; scratch: 2 values per sample and channel, backward 4.
/// Limits: y = beta for groups of one value, or if all values of a group are equal.
/// Errors: config_error unless epsilon is finite and > 0. Groups that do not divide the channels do not compile.
/// Source: Y. Wu, K. He, ECCV 2018; as PyTorch's GroupNorm.
template <std::size_t Groups>
struct group_norm {
  static_assert(Groups > 0, "localis::group_norm: the number of groups is 0");
  static constexpr operation describe(const shape& in) {
    return detail::describe_sample_norm("group_norm", in, Groups, 2 * in.channels);
  }
  template <class Backend>
  using state = sample_norm_layer<Backend, true>;
};

}  // namespace localis
