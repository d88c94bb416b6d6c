#pragma once

#include <localis/layer/activation.hpp>
#include <localis/math/activation.hpp>

namespace localis {

/// Hyperbolic tangent, element by element. After `using namespace localis;` the bare name is ambiguous with the
/// function of the C library: write localis::tanh or activation<tanh_function> for the layer, std::tanh for the
/// function.
using tanh = activation<tanh_function>;

}  // namespace localis
