#pragma once

#include <localis/layer/activation.hpp>
#include <localis/math/activation.hpp>

namespace localis {

/// Sigmoid linear unit, also called swish: x / (1 + e^-x), element by element.
/// Source: S. Elfwing, E. Uchibe, K. Doya, Neural Networks 107 (2018) 3-11; as PyTorch's SiLU.
using silu = activation<silu_function>;

}  // namespace localis
