// expect: the rule has a statistic without saying how many states a unit has. Expected: static constexpr std::size_t
// states = 1;
#include <localis/layer/dense.hpp>

namespace lo = localis;

struct my_rule {
  double state_rate = 0.1;
  double initial_state = 1;
  template <class T>
  constexpr T gate(T u, const lo::rule::unit<T>& own) const {
    return u / own.norm;
  }
  template <class T>
  constexpr std::array<T, 1> statistic(T u) const {
    return {u * u};
  }
};

static_assert(lo::dense<4, my_rule>::describe({1, 1, 2}).out.channels == 4);
