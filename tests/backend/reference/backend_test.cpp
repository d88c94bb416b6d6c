#include <vector>

#include "support/gradients.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>

namespace lo = localis;
using reference = lo::reference::backend<double>;

TEST_CASE("reference: gradients of dense and conv2d by finite differences") {
  localis_test::check_linear_gradients<reference>();
}
TEST_CASE("reference: gradients of residual blocks by finite differences") {
  localis_test::check_block_gradients<reference>();
}
TEST_CASE("reference: gradients of branches by finite differences") {
  localis_test::check_junction_gradients<reference>();
}
TEST_CASE("reference: gradients of the other layers by finite differences") {
  localis_test::check_other_gradients<reference>();
}

TEST_CASE("reference: a copy shares the memory counters") {
  const reference backend;
  const reference copy = backend;
  const auto array = copy.allocate<double>(lo::memory_kind::arena, 10);
  CHECK(backend.counters().held(lo::memory_kind::arena) == 80);
  CHECK(backend.counters().allocations == 1);
}
