// expect: localis: rule: gate
#include <localis/layer/dense.hpp>

namespace lo = localis;

struct my_rule {
  template <class T>
  T gate(T u) const {
    return u;
  }
};

static_assert(lo::dense<4, my_rule>::describe({1, 1, 2}).learning == lo::local_learning::unsupervised);
