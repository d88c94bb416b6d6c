#pragma once

#include <localis/layer/activation.hpp>
#include <localis/math/activation.hpp>

namespace localis {

/// Hard swish: x min(max(x + 3, 0), 6) / 6, element by element.
/// Source: A. Howard et al., ICCV 2019 (MobileNetV3); as PyTorch's Hardswish.
using hard_swish = activation<hard_swish_function>;

}  // namespace localis
