// expect: localis: ceil_mode is an option of max_pool2d alone
#include <localis/layer/conv2d.hpp>

namespace lo = localis;

static_assert(lo::conv2d<2, 3, lo::ceil_mode>::describe({8, 8, 2}).out.channels == 2);
