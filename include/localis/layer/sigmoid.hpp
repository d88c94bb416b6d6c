#pragma once

#include <localis/layer/activation.hpp>
#include <localis/math/activation.hpp>

namespace localis {

/// Logistic function: 1 / (1 + e^-x), element by element.
using sigmoid = activation<sigmoid_function>;

}  // namespace localis
