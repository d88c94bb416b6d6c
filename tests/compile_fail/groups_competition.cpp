// expect: the units of this rule compete or forget by each other
#include <localis/layer/conv2d.hpp>
#include <localis/rule/k_winners.hpp>
#include <localis/rule/policy.hpp>

namespace lo = localis;

using competing = lo::rule::local<lo::rule::k_winners, lo::rule::unit_rows>;
static_assert(lo::conv2d<8, 3, lo::groups<2>, competing>::describe({8, 8, 4}).learning ==
              lo::local_learning::unsupervised);
