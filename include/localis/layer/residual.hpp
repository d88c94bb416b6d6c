#pragma once

#include <localis/layer/junction.hpp>

namespace localis {

/// The layers from the input of a block to its sum if the extents change; the first entry of residual<>.
template <class... Layers>
struct shortcut {};

/// A residual block: y = main(x) + x, or y = main(x) + projection(x) when the first entry is shortcut<...>. The block
/// is one stage: the boundary lies before or after it. An activation after the sum is a layer of its own. It is another
/// spelling of added<branch<main...>, branch<shortcut...>>.
///
///   residual<conv2d<64, 3, padding<1>>, batch_norm, relu, conv2d<64, 3, padding<1>>, batch_norm>, relu
///   residual<shortcut<conv2d<128, 1, stride<2>>, batch_norm>, conv2d<128, 3, stride<2>, padding<1>>, batch_norm>, relu
template <class... Layers>
struct residual {
  static_assert(sizeof...(Layers) > 0, "localis::residual: the block is empty");
};

}  // namespace localis
