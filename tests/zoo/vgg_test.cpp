#include "support/extents.hpp"
#include <doctest/doctest.h>

#include <localis/rule/hebb.hpp>
#include <localis/zoo/vgg.hpp>

namespace lo = localis;
namespace zoo = localis::zoo;
using localis_test::check_extents;

TEST_CASE("vgg: parameters and stages") {
  check_extents<zoo::vgg11<>>(132868840, 11, 1000);
  check_extents<zoo::vgg13<>>(133053736, 13, 1000);
  check_extents<zoo::vgg16<>>(138365992, 16, 1000);
  check_extents<zoo::vgg19<>>(143678248, 19, 1000);
  check_extents<zoo::vgg11_32<>>(9493770, 10, 10);
  check_extents<zoo::vgg11_half_32<>>(2377354, 10, 10);
}

TEST_CASE("vgg: with a rule, all but the last stage may lie before the boundary") {
  CHECK(zoo::vgg16_32<10, lo::rule::hebb>::highest_boundary == 14);
}

TEST_CASE("vgg: extents on the way") {
  CHECK(zoo::vgg16<>::program.operations[43].out == lo::shape{7, 7, 512});  // the last map before the classifier
}
