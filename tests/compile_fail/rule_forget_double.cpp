// expect: localis: this rule's forget has another signature than expected, and would be skipped.
#include <localis/layer/dense.hpp>

namespace lo = localis;

struct my_rule {
  template <class T>
  constexpr T gate(T u) const {
    return u;
  }
  double forget(double u) const { return u; }
};

static_assert(lo::dense<4, my_rule>::describe({1, 1, 2}).out.channels == 4);
