#include "support/extents.hpp"
#include <doctest/doctest.h>

#include <localis/rule/hebb.hpp>
#include <localis/zoo/resnet.hpp>

namespace lo = localis;
namespace zoo = localis::zoo;
using localis_test::check_extents;

TEST_CASE("resnet: parameters and stages") {
  check_extents<zoo::resnet18<>>(11689512, 10, 1000);
  check_extents<zoo::resnet34<>>(21797672, 18, 1000);
  check_extents<zoo::resnet50<>>(25557032, 18, 1000);
  check_extents<zoo::resnet18_32<>>(11173962, 10, 10);
  // The paper's 0.27 and 0.85 million, and projections.
  check_extents<zoo::resnet20<>>(272474, 11, 10);
  check_extents<zoo::resnet56<>>(855770, 29, 10);
  check_extents<zoo::resnet20<100>>(272474 + 90 * 65, 11, 100);
}

TEST_CASE("resnet: with a rule, all but the last stage may lie before the boundary") {
  CHECK(zoo::resnet50<1000, lo::rule::hebb>::highest_boundary == 17);
}

TEST_CASE("resnet: extents on the way") {
  const auto& operations = zoo::resnet50<>::program.operations;
  CHECK(operations[operations.size() - 1].in == lo::shape{1, 1, 2048});  // before the classifier
}
