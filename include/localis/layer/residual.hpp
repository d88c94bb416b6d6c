#pragma once

#include <array>
#include <cstddef>
#include <type_traits>

#include <localis/core/operation.hpp>
#include <localis/core/random.hpp>
#include <localis/kernel/elementwise.hpp>
#include <localis/math/activation.hpp>

namespace localis {

/// The layers from the input of a block to its sum if the extents change; the first entry of residual<>.
template <class... Layers>
struct shortcut {};

/// A residual block: y = main(x) + x, or y = main(x) + projection(x) when the first entry is shortcut<...>. The block
/// is one stage: the boundary lies before or after it. An activation after the sum is a layer of its own.
///
///   residual<conv2d<64, 3, padding<1>>, batch_norm, relu, conv2d<64, 3, padding<1>>, batch_norm>, relu
///   residual<shortcut<conv2d<128, 1, stride<2>>, batch_norm>, conv2d<128, 3, stride<2>, padding<1>>, batch_norm>, relu
template <class... Layers>
struct residual {
  static_assert(sizeof...(Layers) > 0, "localis::residual: the block is empty");
};

/// Several layers as one stage, without a sum: the boundary lies before or after all of them. It replaces a residual
/// block whose input and output differ and which has no projection.
template <class... Layers>
struct block {
  static_assert(sizeof...(Layers) > 0, "localis::block: the block is empty");
};

namespace detail {

/// The run-time part of the junctions of a block, which are operations that only pass values on or add them.
template <class Backend>
class junction : public stateless {
 public:
  using scalar = typename Backend::scalar;

  junction(Backend&, const operation&, random_stream) {}
  [[nodiscard]] std::array<parameter<scalar>, 0> parameters() const { return {}; }
  void validate() const {}

  template <class Function = identity_function>
  void forward(Backend& backend, const operation& op, const operands<scalar>& arrays, mode, const step_values<scalar>&,
               const Function& epilogue = {}) {
    if (op.kind != operation_kind::add) return;
    backend.for_rows(arrays.samples, op.in.size(),
                     kernel::add<scalar, Function>{arrays.input, arrays.skip, arrays.output, op.in.size(), epilogue});
  }
  /// Computes the gradient of the junctions, in the array of the output gradient. Both branches read that of `add`. At
  /// save_skip, the gradients of the branches are added, unless the first operation of the main branch has added its
  /// own to that of the shortcut.
  template <class Function = identity_function>
  void backward(Backend& backend, const operation& op, const operands<scalar>& arrays, const Function& epilogue = {}) {
    scalar* gradient = arrays.output_gradient;
    if constexpr (!std::is_same_v<Function, identity_function>) {
      if (arrays.input_gradient == nullptr && arrays.skip_gradient == nullptr) return;
      backend.for_rows(
          arrays.samples, op.in.size(),
          kernel::activate_gradient<scalar, Function>{arrays.output, gradient, gradient, op.in.size(), epilogue});
    } else if (op.kind == operation_kind::save_skip && arrays.input_gradient != nullptr &&
               arrays.skip_gradient != gradient) {
      backend.for_rows(arrays.samples, op.in.size(),
                       kernel::add<scalar>{gradient, arrays.skip_gradient, gradient, op.in.size()});
    }
  }
};

template <operation_kind Kind>
struct junction_layer {
  static constexpr const char* names[5] = {"save_skip", "shortcut", "add", "open_block", "close_block"};
  static constexpr operation describe(const shape& in) {
    operation op;
    op.name = names[static_cast<std::size_t>(Kind) - static_cast<std::size_t>(operation_kind::save_skip)];
    op.kind = Kind;
    op.in = in;
    op.out = in;
    op.elementwise = true;
    op.accepts = Kind == operation_kind::add ? fusion::activation : fusion::none;
    return op;
  }
  template <class Backend>
  using state = junction<Backend>;
};

using save_skip = junction_layer<operation_kind::save_skip>;
using take_shortcut = junction_layer<operation_kind::shortcut>;
using add_skip = junction_layer<operation_kind::add>;
using open_block = junction_layer<operation_kind::open_block>;
using close_block = junction_layer<operation_kind::close_block>;

}  // namespace detail
}  // namespace localis
