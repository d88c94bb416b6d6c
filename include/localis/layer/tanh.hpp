#pragma once

#include <localis/layer/activation.hpp>
#include <localis/math/activation.hpp>

namespace localis {

/// tanh(x), element by element. After `using namespace localis;` the bare name is the C library's function as well, and
/// means neither: write localis::tanh or activation<tanh_function> for the layer, std::tanh for the function.
using tanh = activation<tanh_function>;

}  // namespace localis
