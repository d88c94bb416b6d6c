#include "support/policies.hpp"

#include "backend.hpp"
#include <doctest/doctest.h>

using localis_test::check_every_policy;
using localis_test::gpu;
using localis_test::small;

TEST_CASE("cuda<double>: every policy that is shipped does as on the reference") {
  localis_test::on_device([] { check_every_policy([] { return gpu<double>(small); }); });
}
TEST_CASE("cuda<float>: every policy that is shipped does as on the reference") {
  localis_test::on_device([] { check_every_policy([] { return gpu<float>(small); }); });
}
