// expect: localis: a layer has one rule, this one has more
#include <localis/layer/conv2d.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/rule/oja.hpp>

namespace lo = localis;

static_assert(lo::conv2d<4, 3, lo::rule::oja, lo::rule::hebb>::describe({8, 8, 1}).learning ==
              lo::local_learning::unsupervised);
