#include <localis/layer/conv2d.hpp>

namespace lo = localis;

static_assert(lo::conv2d<2, 3>::describe({8, 8, 2}).out.channels == 2);
