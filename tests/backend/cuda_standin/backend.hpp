#pragma once

#include "standin.hpp"

#include <localis/backend/cuda/system.hpp>

namespace localis::cuda {

/// In place of localis/backend/cuda/backend.cuh, which only nvcc compiles.
template <class Scalar, class Operand = Scalar>
using backend = device::backend<Scalar, system<standin::executor>, Operand>;

}  // namespace localis::cuda
