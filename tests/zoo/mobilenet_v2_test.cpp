#include "support/extents.hpp"
#include <doctest/doctest.h>

#include <localis/rule/hebb.hpp>
#include <localis/zoo/mobilenet_v2.hpp>

namespace lo = localis;
namespace zoo = localis::zoo;
using localis_test::check_extents;

TEST_CASE("mobilenet_v2: parameters and stages") {
  check_extents<zoo::mobilenet_v2<>>(3504872, 20, 1000);
  check_extents<zoo::mobilenet_v2_32<>>(2236682, 20, 10);
}

TEST_CASE("mobilenet_v2: with a rule, all but the last stage may lie before the boundary") {
  CHECK(zoo::mobilenet_v2_32<10, lo::rule::hebb>::highest_boundary == 19);
}

TEST_CASE("mobilenet_v2: extents on the way") {
  const auto& large = zoo::mobilenet_v2<>::program.operations;
  CHECK(large[large.size() - 1].in == lo::shape{1, 1, 1280});  // before the classifier
  const auto& mobile = zoo::mobilenet_v2_32<>::program.operations;
  CHECK(mobile[mobile.size() - 4].out == lo::shape{4, 4, 1280});
}
