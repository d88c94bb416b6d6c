// expect: localis: this rule's gate_is_response needs a gate(u) that returns u
#include <cstddef>

#include <localis/layer/dense.hpp>

namespace lo = localis;

struct my_rule {
  static constexpr bool gate_is_response = true;
  template <class T>
  constexpr void gate_row(const T* u, T* gates, std::size_t units) const {
    for (std::size_t o = 0; o < units; ++o) gates[o] = u[o];
  }
};

static_assert(lo::rule::gate_is_response<my_rule>());
