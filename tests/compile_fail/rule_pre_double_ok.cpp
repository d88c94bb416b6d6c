#include <localis/layer/dense.hpp>

namespace lo = localis;

struct my_rule {
  template <class T>
  constexpr T gate(T u) const {
    return u;
  }
  template <class T>
  constexpr T pre(T x) const {
    return x > T(0.5) ? x : T(0);
  }
};

static_assert(lo::dense<4, my_rule>::describe({1, 1, 2}).out.channels == 4);
