// expect: localis::network: the first entry is the input, not a layer. Expected: image<Height, Width, Channels>,
// signal_input<Length, Channels> or vector_input<Size>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/network/program.hpp>

namespace lo = localis;

using net = lo::network<lo::conv2d<4, 2>, lo::dense<2>>;
static_assert(net::size == 1);
