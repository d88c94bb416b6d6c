// expect: operation `Layer` shares its block with layers whose rules are supervised (local_error, phsic,
// error_feedback, ...), and its own is not, or the other way round.
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/relu.hpp>
#include <localis/layer/residual.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/error_feedback.hpp>

namespace lo = localis;

// The second convolution has no rule.
using first = lo::conv2d<2, 3, lo::padding<1>, lo::rule::error_feedback>;
using second = lo::conv2d<2, 3, lo::padding<1>>;
using net = lo::network<lo::image<8, 8, 2>, lo::residual<first, lo::relu, second>, lo::dense<2>>;
static_assert(net::stages == 2);
