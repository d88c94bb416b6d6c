#pragma once

#include <localis/backend/cuda/backend.cuh>
#include <localis/backend/cudnn/system.hpp>

/// The GPU backend with cuDNN's convolutions (component `cudnn` of the package; cuDNN 9 or later).
namespace localis::cudnn {

/// The GPU backend of localis::cuda, except that convolutions are computed by cuDNN, which reads images in place where
/// localis::cuda unfolds them. The sum of a local rule, G^T X, is computed as the gradient of the weights with the
/// gates in place of the error. Depthwise and pointwise convolutions remain those of localis::cuda, and so do local
/// rules that sample rows, sum inputs or reconstruct them, because they need rows of X.
///
/// cuda::options::precision selects the convolutions' precision as it does that of products, except that bf16 is tf32;
/// workspace_bytes limits the memory of their algorithms.
///
/// Errors: device_error, as localis::cuda.
template <class Scalar>
using backend = device::backend<Scalar, system<cuda::on_stream>>;

}  // namespace localis::cudnn
