#include <localis/layer/dense.hpp>

namespace lo = localis;

struct my_rule {
  template <class T>
  constexpr T gate(T u, const lo::rule::unit<T>&, T w) const {
    return u * (T(1) - w);
  }
};

static_assert(lo::dense<4, my_rule>::describe({1, 1, 2}).out.channels == 4);
