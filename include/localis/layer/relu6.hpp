#pragma once

#include <localis/layer/activation.hpp>
#include <localis/math/activation.hpp>

namespace localis {

/// Clipped rectifier: min(max(x, 0), 6), element by element (as in MobileNetV2).
using relu6 = activation<relu6_function>;

}  // namespace localis
