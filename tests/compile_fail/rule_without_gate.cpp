// expect: If it is meant to be a rule, it has no gate that returns its argument's type, or is no plain value.
#include <localis/layer/dense.hpp>

namespace lo = localis;

struct my_rule {
  template <class T>
  constexpr T recall(T u) const {
    return u;
  }
};

static_assert(lo::dense<4, my_rule>::describe({1, 1, 2}).local);
