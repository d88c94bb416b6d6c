// expect: localis: this rule's gate(u, s) sees a unit's state, and the rule does not say where the state begins.
// Expected: static constexpr double initial_state = 1;
#include <localis/layer/dense.hpp>

namespace lo = localis;

struct my_rule {
  double state_rate = 0.1;
  template <class T>
  constexpr T gate(T u, T s) const {
    return u * (u - s);
  }
  template <class T>
  constexpr T statistic(T u) const {
    return u * u;
  }
};

static_assert(lo::dense<4, my_rule>::describe({1, 1, 2}).out.channels == 4);
