#pragma once

#include <localis/layer/activation.hpp>
#include <localis/math/activation.hpp>

namespace localis {

/// Exponential linear unit: x where x > 0, else alpha (e^x - 1), element by element; alpha is a run-time value, 1 by
/// default: model.layer<I>().function.alpha.
/// Errors: config_error unless alpha is finite and >= 0.
/// Source: D.-A. Clevert, T. Unterthiner, S. Hochreiter, ICLR 2016.
using elu = activation<elu_function>;

}  // namespace localis
