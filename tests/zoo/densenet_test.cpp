#include "support/extents.hpp"
#include <doctest/doctest.h>

#include <localis/rule/hebb.hpp>
#include <localis/zoo/densenet.hpp>

namespace lo = localis;
namespace zoo = localis::zoo;
using localis_test::check_extents;

TEST_CASE("densenet: parameters and stages") {
  check_extents<zoo::densenet121<>>(7978856, 63, 1000);
  check_extents<zoo::densenet121_32<>>(6956426, 63, 10);
}

TEST_CASE("densenet: with a rule, all but the last stage may lie before the boundary") {
  CHECK(zoo::densenet121_32<10, lo::rule::hebb>::highest_boundary == 62);
}

TEST_CASE("densenet: extents on the way") {
  const auto& large = zoo::densenet121<>::program.operations;
  CHECK(large[3].out == lo::shape{56, 56, 64});
  CHECK(large[large.size() - 2].in == lo::shape{7, 7, 1024});
  const auto& small = zoo::densenet121_32<>::program.operations;
  CHECK(small[small.size() - 2].in == lo::shape{4, 4, 1024});
}
