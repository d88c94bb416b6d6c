#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/residual.hpp>
#include <localis/network/program.hpp>

namespace lo = localis;

using block = lo::residual<lo::shortcut<lo::conv2d<3, 1>>, lo::conv2d<3, 1>>;
using net = lo::network<lo::image<6, 6, 3>, block, lo::dense<2>>;
static_assert(net::stages == 2);
