#pragma once

#include <localis/layer/activation.hpp>
#include <localis/math/activation.hpp>

namespace localis {

/// Leaky rectifier: x where x > 0, else leak * x, element by element; the leak is a run-time value:
/// model.layer<I>().function.leak.
/// Errors: config_error unless leak is finite and >= 0.
using leaky_relu = activation<leaky_relu_function>;

}  // namespace localis
