#include "support/extents.hpp"
#include <doctest/doctest.h>

#include <localis/zoo/alexnet.hpp>

namespace zoo = localis::zoo;
using localis_test::check_extents;

TEST_CASE("alexnet: parameters and stages") {
  check_extents<zoo::alexnet<>>(61100840, 8, 1000);
  check_extents<zoo::alexnet_32<>>(2472266, 6, 10);
}
