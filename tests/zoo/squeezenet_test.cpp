#include "support/extents.hpp"
#include <doctest/doctest.h>

#include <localis/rule/hebb.hpp>
#include <localis/zoo/squeezenet.hpp>

namespace lo = localis;
namespace zoo = localis::zoo;
using localis_test::check_extents;

TEST_CASE("squeezenet: parameters and stages") {
  check_extents<zoo::squeezenet<>>(1235496, 18, 1000);
  check_extents<zoo::squeezenet_32<>>(727626, 18, 10);
}

TEST_CASE("squeezenet: with a rule, all but the last stage may lie before the boundary") {
  CHECK(zoo::squeezenet_32<10, lo::rule::hebb>::highest_boundary == 17);
}

TEST_CASE("squeezenet: extents on the way") {
  const auto& large = zoo::squeezenet<>::program.operations;
  CHECK(large[0].out == lo::shape{111, 111, 64});
  CHECK(large[large.size() - 1].in == lo::shape{13, 13, 1000});
  const auto& small = zoo::squeezenet_32<>::program.operations;
  CHECK(small[small.size() - 1].in == lo::shape{4, 4, 10});
}
