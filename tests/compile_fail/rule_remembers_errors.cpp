// expect: localis: this rule's remembers_errors is not as expected, and would be skipped. Expected, of a rule that is
// supervised: static constexpr bool remembers_errors = true;
#include <localis/layer/dense.hpp>

namespace lo = localis;

struct my_rule {
  static constexpr bool remembers_errors = true;
  template <class T>
  constexpr T gate(T u) const {
    return u;
  }
};

static_assert(lo::dense<4, my_rule>::describe({1, 1, 2}).out.channels == 4);
