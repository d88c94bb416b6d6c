#include <localis/layer/conv2d.hpp>

namespace lo = localis;

static_assert(lo::conv2d<4, 3, lo::padding<1>>::describe({8, 8, 1}).out.channels == 4);
