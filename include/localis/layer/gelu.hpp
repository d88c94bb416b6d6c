#pragma once

#include <localis/layer/activation.hpp>
#include <localis/math/activation.hpp>

namespace localis {

/// Gaussian error linear unit: x (1 + erf(x / sqrt 2)) / 2, element by element: the exact form, not its approximation
/// by tanh. Source: D. Hendrycks, K. Gimpel, arXiv 1606.08415; as PyTorch's GELU() by default.
using gelu = activation<gelu_function>;

}  // namespace localis
