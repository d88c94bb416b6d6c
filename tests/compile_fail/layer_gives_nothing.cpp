// expect: operation `Layer` gives no values
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/network/program.hpp>

namespace lo = localis;

struct halved {
  static constexpr lo::operation describe(const lo::shape& in) {
    lo::operation op;
    op.name = "halved";
    op.in = in;
    op.out = {1, 1, in.size() / 2};
    return op;
  }
};

using net = lo::network<lo::image<6, 6, 3>, lo::conv2d<1, 6>, halved, lo::dense<2>>;
static_assert(net::stages == 2);
