#include <localis/layer/pool.hpp>

namespace lo = localis;

static_assert(lo::max_pool2d<2, lo::ceil_mode>::describe({8, 8, 2}).out.channels == 2);
