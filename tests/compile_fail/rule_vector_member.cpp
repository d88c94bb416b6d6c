// expect: localis: a rule must be a plain value: trivially copyable and default constructible; yours has a member such
// as std::vector
#include <vector>

#include <localis/layer/dense.hpp>

namespace lo = localis;

struct my_rule {
  std::vector<double> seen;
  template <class T>
  constexpr T gate(T u) const {
    return u;
  }
};

static_assert(lo::dense<4, my_rule>::describe({1, 1, 2}).out.channels == 4);
