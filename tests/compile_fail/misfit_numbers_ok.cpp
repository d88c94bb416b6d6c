#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/pool.hpp>
#include <localis/network/program.hpp>

namespace lo = localis;

using net = lo::network<lo::image<5, 5, 1>, lo::conv2d<8, 3>, lo::max_pool2d<3>, lo::dense<2>>;
static_assert(net::stages == 2);
