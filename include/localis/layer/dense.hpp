#pragma once

#include <cstddef>

#include <localis/layer/linear.hpp>
#include <localis/layer/options.hpp>

namespace localis {

/// Fully connected layer over all values of its input: U = X W^T, y = U + b.
///
///   X  N x I,  W  O x I,  U  N x O        I = height * width * channels of the input, O = Outputs
///
/// Options: no_bias, a rule (default: gradient).
/// Cost:   forward 2 N I O FLOP, and as much again for the local update, or for each of the two gradients. It saves its
///         input.
/// Errors: config_error for parameters of the rule and its policies that are out of range.
/// Source: initial weights are normal with mean 0 and deviation sqrt(2 / I) (He et al. 2015), biases 0.
template <std::size_t Outputs, class... Options>
struct dense {
  using options = detail::read_options<Options...>;
  static_assert(Outputs > 0, "localis::dense: the number of outputs is 0");
  static_assert(!options::has_stride && options::padding == 0 && options::dilation == 1 && options::groups == 1,
                "localis::dense takes no stride, padding, dilation or groups");

  static constexpr operation describe(const shape& in) {
    operation op = detail::trainable_operation<options>("dense");
    op.in = {1, 1, in.size()};
    op.out = {1, 1, Outputs};
    op.parameters = Outputs * (in.size() + (options::has_bias ? 1 : 0));
    if (options::orders_units && Outputs > in.size()) op.problem = misfit::more_units_than_inputs;
    return op;
  }
  template <class Backend>
  using state = linear_layer<Backend, typename options::rule, map_kind::dense>;
};

}  // namespace localis
