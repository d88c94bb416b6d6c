#include <localis/layer/dense.hpp>

namespace lo = localis;

struct my_rule {
  static constexpr std::size_t states = 2;
  double state_rate = 0.1;
  double initial_state = 1;
  template <class T>
  constexpr T gate(T u, const lo::rule::unit<T, 2>& own) const {
    return u * (u - own.state[0]) / own.norm;
  }
  template <class T>
  constexpr std::array<T, 2> statistic(T u) const {
    return {u * u, u};
  }
};

static_assert(lo::dense<4, my_rule>::describe({1, 1, 2}).out.channels == 4);
