#pragma once

#include "../cuda/backend.hpp"

// As the tests of cuda, these run on the stand-in, and on a GPU where nvcc compiles them.
#if defined(__CUDACC__)
#include <localis/backend/cudnn/backend.cuh>
#else
#include <localis/backend/cudnn/system.hpp>

namespace localis::cudnn {

template <class Scalar>
using backend = device::backend<Scalar, system<standin::executor>>;

}  // namespace localis::cudnn
#endif

static_assert(localis::backend<localis::cudnn::backend<float>>);
