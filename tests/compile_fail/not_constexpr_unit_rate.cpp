// expect: localis: rule: unit_rate
#include <cmath>

#include <localis/layer/dense.hpp>

namespace lo = localis;

struct my_rule {
  template <class T>
  constexpr T gate(T u) const {
    return u;
  }
  template <class T>
  T unit_rate(T norm) const {
    return std::sqrt(norm);
  }
};

static_assert(lo::dense<4, my_rule>::describe({1, 1, 2}).learning == lo::local_learning::unsupervised);
