#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/junction.hpp>
#include <localis/network/program.hpp>

namespace lo = localis;

using net = lo::network<lo::image<4, 4, 2>, lo::added<lo::branch<>, lo::branch<lo::conv2d<2, 1>>>, lo::dense<2>>;
static_assert(net::input.size() == 32);
