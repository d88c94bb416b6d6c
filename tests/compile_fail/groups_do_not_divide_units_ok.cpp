#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/network/program.hpp>

namespace lo = localis;

using net = lo::network<lo::image<6, 6, 3>, lo::conv2d<6, 3, lo::groups<3>>, lo::dense<2>>;
static_assert(net::stages == 2);
