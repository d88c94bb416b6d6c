#include <localis/layer/conv2d.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/rule/oja.hpp>

namespace lo = localis;

static_assert(lo::conv2d<4, 3, lo::rule::oja>::describe({8, 8, 1}).learning == lo::local_learning::unsupervised);
