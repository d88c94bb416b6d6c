#include <localis/layer/dense.hpp>

namespace lo = localis;

struct my_rule {
  static constexpr bool gate_is_response = true;
  template <class T>
  constexpr T gate(T u) const {
    return u;
  }
};

static_assert(lo::rule::gate_is_response<my_rule>());
