// expect: operation `Layer` is given Height x Width x Channels and describes another input (operation::in), or is
// elementwise
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/network/program.hpp>

namespace lo = localis;

struct halved {
  static constexpr lo::operation describe(const lo::shape& in) {
    lo::operation op;
    op.name = "halved";
    op.out = {1, 1, in.size() / 2};
    return op;
  }
};

using net = lo::network<lo::image<6, 6, 3>, lo::conv2d<4, 2>, halved, lo::dense<2>>;
static_assert(net::stages == 2);
