#pragma once

#include "../cuda_standin/standin.hpp"

#include <localis/cuda/system.hpp>

namespace localis::cuda {

/// Instead of localis/cuda/backend.cuh, which needs nvcc.
template <class Scalar>
using backend = device::backend<Scalar, system<standin::executor>>;

}  // namespace localis::cuda
