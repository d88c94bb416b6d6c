#include <localis/layer/dense.hpp>

namespace lo = localis;

struct my_rule {
  static constexpr bool supervised = true;
  static constexpr bool remembers_errors = true;
};

static_assert(lo::dense<4, my_rule>::describe({1, 1, 2}).out.channels == 4);
