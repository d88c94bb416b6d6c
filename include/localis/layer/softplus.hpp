#pragma once

#include <localis/layer/activation.hpp>
#include <localis/math/activation.hpp>

namespace localis {

/// Softplus: log(1 + e^x), element by element, without overflow for large x.
/// Source: C. Dugas et al., NIPS 2000; as PyTorch's Softplus with beta 1, but without its threshold of 20.
using softplus = activation<softplus_function>;

}  // namespace localis
