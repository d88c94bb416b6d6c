#include <localis/layer/conv2d.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>

namespace lo = localis;

using each_alone = lo::rule::local<lo::rule::oja, lo::rule::unit_rows>;
static_assert(lo::conv2d<8, 3, lo::groups<2>, each_alone>::describe({8, 8, 4}).learning ==
              lo::local_learning::unsupervised);
