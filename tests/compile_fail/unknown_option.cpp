// expect: a layer's option is neither stride<N>, padding<N>, dilation<N>, groups<N>, no_bias, ceil_mode, nor a rule.
#include <localis/layer/conv2d.hpp>

namespace lo = localis;

struct same {};

static_assert(lo::conv2d<4, 3, same>::describe({8, 8, 1}).out.channels == 4);
