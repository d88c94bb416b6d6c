#pragma once

#include <localis/layer/activation.hpp>
#include <localis/math/activation.hpp>

namespace localis {

/// min(max(x, 0), 6), element by element (as MobileNetV2 has it).
using relu6 = activation<relu6_function>;

}  // namespace localis
