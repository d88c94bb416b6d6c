#include "support/extents.hpp"
#include <doctest/doctest.h>

#include <localis/rule/hebb.hpp>
#include <localis/zoo/lenet.hpp>

namespace lo = localis;
namespace zoo = localis::zoo;
using localis_test::check_extents;

TEST_CASE("lenet: parameters and stages") {
  check_extents<zoo::lenet<>>(61706, 5, 10);
  check_extents<zoo::lenet_32<>>(62006, 5, 10);
}

TEST_CASE("lenet: with a rule, all but the last stage may lie before the boundary") {
  CHECK(zoo::lenet<10, lo::rule::hebb>::highest_boundary == 4);
}
