#pragma once

#include "../cuda_standin/standin.hpp"

#include <localis/cuda/system.hpp>
#include <localis/thrust/backend.hpp>

namespace localis_test {

/// The GPU's backend, on the stand-in.
template <class T>
using cuda = localis::device::backend<T, localis::cuda::system<standin::executor>>;

static_assert(localis::backend<cuda<float>>);

}  // namespace localis_test
