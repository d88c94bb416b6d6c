// expect: localis: this rule's gate takes other arguments than expected. A gate sees its unit's response u alone
#include <localis/layer/dense.hpp>

namespace lo = localis;

struct my_rule {
  template <class T>
  constexpr T gate(T u, T x, T w) const {
    return u * (x - u * w);
  }
};

static_assert(lo::dense<4, my_rule>::describe({1, 1, 2}).out.channels == 4);
