// expect: localis: this rule's gate_row has another signature than expected. Expected: template <class T> constexpr
// void gate_row(const T* u, T* gates, std::size_t units) const
#include <vector>

#include <localis/layer/dense.hpp>

namespace lo = localis;

struct my_rule {
  template <class T>
  void gate_row(const std::vector<T>& u, std::vector<T>& gates) const {
    gates = u;
  }
};

static_assert(lo::dense<4, my_rule>::describe({1, 1, 2}).out.channels == 4);
