// On cuda these run each time: it shares the loops of thrust_host, and the rules of cpu are held against textbook
// loops.
#ifdef LOCALIS_TESTS_FULL

#include "support/policies.hpp"

#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>

namespace lo = localis;

TEST_CASE("cpu: every policy that is shipped does as on the reference") {
  localis_test::check_every_policy([] { return lo::cpu::backend<double>({.threads = 2, .grain = 1}); });
  localis_test::check_every_policy([] { return lo::cpu::backend<float>({.threads = 2, .grain = 1}); });
}

#endif
