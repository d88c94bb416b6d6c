#include <localis/layer/dense.hpp>

namespace lo = localis;

struct my_rule {
  static constexpr double initial_state = 1;
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

static_assert(lo::dense<4, my_rule>::describe({1, 1, 2}).learning == lo::local_learning::unsupervised);
