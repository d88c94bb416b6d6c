// expect: this rule's pre has another signature than expected, and would be skipped. Expected, for float and double:
// template <class T> constexpr T pre(T x) const
#include <localis/layer/dense.hpp>

namespace lo = localis;

struct my_rule {
  template <class T>
  constexpr T gate(T u) const {
    return u;
  }
  double pre(double x) const { return x > 0.5 ? x : 0; }
};

static_assert(lo::dense<4, my_rule>::describe({1, 1, 2}).out.channels == 4);
