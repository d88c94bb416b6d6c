#include "support/extents.hpp"
#include <doctest/doctest.h>

#include <localis/zoo/six_stages.hpp>

TEST_CASE("six_stages: parameters and stages") {
  localis_test::check_extents<localis::zoo::six_stages<>>(468458, 6, 10);
  localis_test::check_extents<localis::zoo::six_stages_32<>>(591914, 6, 10);
}
