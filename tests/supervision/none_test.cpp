#include <doctest/doctest.h>

#include <localis/supervision/none.hpp>

TEST_CASE("none: the gain is 1 whatever the loss") {
  const localis::supervision::none policy;
  localis::supervision::none::state seen;
  CHECK(policy.gain(seen) == 1.0);
  policy.observe(seen, 100);
  policy.observe(seen, 0);
  CHECK(policy.gain(seen) == 1.0);
}
