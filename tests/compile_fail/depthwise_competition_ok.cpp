#include <localis/layer/depthwise_conv2d.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>

namespace lo = localis;

using each_alone = lo::rule::local<lo::rule::oja, lo::rule::unit_rows>;
static_assert(lo::depthwise_conv2d<3, each_alone>::describe({8, 8, 4}).learning == lo::local_learning::unsupervised);
