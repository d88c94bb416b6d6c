#pragma once

#include <localis/layer/activation.hpp>
#include <localis/math/activation.hpp>

namespace localis {

/// Rectifier: max(x, 0), element by element.
using relu = activation<relu_function>;

}  // namespace localis
