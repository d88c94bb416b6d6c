// expect: localis: this rule's gate does not return its argument's type for float and double alike
#include <localis/layer/dense.hpp>

namespace lo = localis;

struct my_rule {
  double gate(double u) const { return u; }
};

static_assert(lo::dense<4, my_rule>::describe({1, 1, 2}).out.channels == 4);
