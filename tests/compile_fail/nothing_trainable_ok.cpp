#include <localis/layer/dense.hpp>
#include <localis/layer/relu.hpp>
#include <localis/network/program.hpp>

namespace lo = localis;

using net = lo::network<lo::vector_input<4>, lo::dense<2>, lo::relu>;
static_assert(net::size == 2);
