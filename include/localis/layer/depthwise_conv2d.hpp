#pragma once

#include <cstddef>
#include <type_traits>

#include <localis/core/operation.hpp>
#include <localis/core/shape.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/linear.hpp>
#include <localis/layer/options.hpp>
#include <localis/rule/policy.hpp>
#include <localis/rule/rule.hpp>

namespace localis {

/// Depthwise convolution (cross-correlation) with a square or rectangular kernel, channels last: one unit per channel,
/// which sees only that channel, as a dense layer with one output sees its unfolded input.
///
///   X_c  P x I,  W  C x I,  U  P x C        P = N Ho Wo,  I = Kernel^2;  U(p,c) = sum_i X_c(p,i) W(c,i)
///   Ho = floor((H + 2 padding - dilation (Kernel - 1) - 1) / stride) + 1, and Wo likewise
///
/// Options: stride<N> (1), padding<N> (0), dilation<N> (1), no_bias, a rule (default: gradient) whose units do not
///         interact. Lengths are in pixels, and may differ along height and width as in conv2d.
/// Cost:   forward 2 P I C FLOP, and as much again for the local update, or for each of the two gradients. It saves its
///         input.
/// Errors: as in conv2d.
/// Source: as PyTorch's Conv2d with as many groups as channels, but channels last; initial weights as in dense.
template <lengths Kernel, class... Options>
struct depthwise_conv2d {
  using options = detail::read_options<Options...>;
  static_assert(Kernel.height > 0 && Kernel.width > 0, "localis::depthwise_conv2d: the kernel must be at least 1");
  static_assert(options::groups == 1, "localis::depthwise_conv2d takes no groups: there is one for each channel");
  static_assert(detail::units_fit<options, false>());

  static constexpr operation describe(const shape& in) {
    return detail::describe_convolution<options>("depthwise_conv2d", in, Kernel, in.channels, in.channels);
  }
  template <class Backend>
  using state = linear_layer<Backend, typename options::rule, map_kind::grouped>;
};

}  // namespace localis
