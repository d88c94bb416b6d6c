#include <localis/layer/dense.hpp>

namespace lo = localis;

struct my_rule {
  template <class T>
  constexpr void gate_row(const T* u, T* gates, std::size_t units) const {
    for (std::size_t o = 0; o < units; ++o) gates[o] = u[o];
  }
};

static_assert(lo::dense<4, my_rule>::describe({1, 1, 2}).learning == lo::local_learning::unsupervised);
