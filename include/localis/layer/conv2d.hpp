#pragma once

#include <cstddef>

#include <localis/core/operation.hpp>
#include <localis/core/shape.hpp>
#include <localis/layer/linear.hpp>
#include <localis/layer/options.hpp>

namespace localis {

namespace detail {

/// A convolution of `units` output channels in `groups` groups.
template <class Options>
constexpr operation describe_convolution(const char* name, const shape& in, const lengths& kernel, std::size_t units,
                                         std::size_t groups) {
  operation op = trainable_operation<Options>(name);
  op.in = in;
  op.field = {kernel.height, kernel.width, Options::stride, Options::padding, Options::dilation};
  op.groups = groups;
  if (op.field.stands_still()) {
    op.problem = misfit::stride_is_zero;
  } else if (groups == 0 || in.channels % groups != 0 || units % groups != 0) {
    op.problem = misfit::groups_do_not_divide;
  } else if (!op.field.fits(in)) {
    op.problem = misfit::window_larger_than_input;
  } else {
    op.out = op.field.output(in, units);
    op.parameters = op.map().weights() + (Options::has_bias ? units : 0);
    if (Options::orders_units && units > op.map().inputs()) op.problem = misfit::more_units_than_inputs;
  }
  return op;
}

/// Asserts that units that interact see the same input.
template <class Options>
constexpr map_kind convolution_kind(const lengths& kernel) {
  if (Options::groups != 1) return map_kind::grouped;
  const bool steps = Options::stride == 1 && Options::dilation == 1;
  if (kernel == 3 && steps) return map_kind::plain_3x3;
  return kernel == 1 && Options::stride == 1 && Options::padding == 0 ? map_kind::pointwise : map_kind::convolution;
}

template <class Options, bool SeeTheSame>
constexpr bool units_fit() {
  static_assert(
      SeeTheSame || !rule::units_interact<typename Options::bare_rule>(),
      "localis: depthwise_conv2d, groups: the units of this rule compete or forget by each other, which units "
      "that see other channels cannot do. Use a rule with gate(u), or conv2d without groups");
  return true;
}

}  // namespace detail

/// Convolution (cross-correlation) with a square or rectangular kernel, channels last: a dense layer on the unfolded
/// input.
///
///   X  P x I,  W  O x I,  U  P x O        P = N Ho Wo,  I = Kernel^2 C / groups,  O = Channels
///   Ho = floor((H + 2 padding - dilation (Kernel - 1) - 1) / stride) + 1, and Wo likewise
///
/// Options: stride<N> (1), padding<N> (0), dilation<N> (1), groups<N> (1), no_bias, a rule (default: gradient; with
///         groups, a rule whose units do not interact). Lengths are in pixels. Each may differ along height and width:
///         conv2d<64, kernel_size<1, 5>, stride<1, 2>, padding<0, 2>>.
/// Cost:   forward 2 P I O FLOP, and as much again for the local update, or for each of the two gradients. It saves its
///         input.
/// Errors: as in dense. A window larger than the padded input, or groups that do not divide the channels, do not
///         compile.
/// Source: as PyTorch's Conv2d, but channels last; initial weights as in dense.
template <std::size_t Channels, lengths Kernel, class... Options>
struct conv2d {
  using options = detail::read_options<Options...>;
  static_assert(Channels > 0 && Kernel.height > 0 && Kernel.width > 0,
                "localis::conv2d: channels and kernel must be at least 1");
  static_assert(detail::units_fit<options, options::groups == 1>());

  static constexpr operation describe(const shape& in) {
    return detail::describe_convolution<options>("conv2d", in, Kernel, Channels, options::groups);
  }
  template <class Backend>
  using state = linear_layer<Backend, typename options::rule, detail::convolution_kind<options>(Kernel)>;
};

}  // namespace localis
