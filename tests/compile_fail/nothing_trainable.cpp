// expect: localis::network: there is no trainable layer (dense, conv2d, residual)
#include <localis/layer/dense.hpp>
#include <localis/layer/relu.hpp>
#include <localis/network/program.hpp>

namespace lo = localis;

using net = lo::network<lo::vector_input<4>, lo::relu>;
static_assert(net::size == 1);
