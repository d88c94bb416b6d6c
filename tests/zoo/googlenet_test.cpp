#include "support/extents.hpp"
#include <doctest/doctest.h>

#include <localis/rule/hebb.hpp>
#include <localis/zoo/googlenet.hpp>

namespace lo = localis;
namespace zoo = localis::zoo;
using localis_test::check_extents;

TEST_CASE("googlenet: parameters and stages") { check_extents<zoo::googlenet<>>(6624904, 13, 1000); }

TEST_CASE("googlenet: with a rule, all but the last stage may lie before the boundary") {
  CHECK(zoo::googlenet<10, lo::rule::hebb>::highest_boundary == 12);
}

TEST_CASE("googlenet: extents on the way") {
  const auto& all = zoo::googlenet<>::program.operations;
  CHECK(all[3].out == lo::shape{56, 56, 64});
  CHECK(all[10].out == lo::shape{28, 28, 192});
  CHECK(all[all.size() - 3].in == lo::shape{7, 7, 1024});
}
