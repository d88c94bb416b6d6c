// On cuda these run each time: it shares the loops of thrust_host, and the rules of cpu are held against textbook
// loops.
#ifdef LOCALIS_TESTS_FULL

#include "support/policies.hpp"

#include <doctest/doctest.h>

#include <localis/backend/thrust_host/backend.hpp>

namespace lo = localis;

TEST_CASE("thrust_host: every policy that is shipped does as on the reference") {
  // As on a GPU: one element in a call, and a few samples at a time.
  constexpr lo::thrust_host::options cut{.chunk_bytes = 20000, .stretch = 1};
  localis_test::check_every_policy([&] { return lo::thrust_host::backend<double>(cut); });
  localis_test::check_every_policy([&] { return lo::thrust_host::backend<float>(cut); });
}

#endif
