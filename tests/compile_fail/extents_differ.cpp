// expect: Only the channels of the branches may differ.
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/junction.hpp>
#include <localis/network/program.hpp>

namespace lo = localis;

using net = lo::network<lo::image<4, 4, 2>, lo::concatenated<lo::branch<>, lo::branch<lo::conv2d<3, 3>>>, lo::dense<2>>;
static_assert(net::stages == 2);
