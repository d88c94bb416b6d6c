// expect: the groups of operation `Layer` do not divide the `Channels` of its input, or its own channels.
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/network/program.hpp>

namespace lo = localis;

using net = lo::network<lo::image<6, 6, 3>, lo::conv2d<5, 3, lo::groups<3>>, lo::dense<2>>;
static_assert(net::stages == 2);
