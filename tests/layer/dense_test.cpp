#include <vector>

#include "support/respond.hpp"
#include <doctest/doctest.h>

#include <localis/layer/dense.hpp>
#include <localis/network/program.hpp>

namespace lo = localis;
using localis_test::respond;

TEST_CASE("dense: y = X W^T + b") {
  using net = lo::network<lo::vector_input<3>, lo::dense<2>>;
  const std::vector<double> y = respond<net>({1, 2, 3, -1, 0, 1}, {10, 20}, {1, 1, 1, 2, 0, -1});
  CHECK(y == std::vector<double>{16, 20, 9, 17});
  CHECK(net::program.operations[0].parameters == 8);
  CHECK(lo::network<lo::vector_input<3>, lo::dense<2, lo::no_bias>>::program.operations[0].parameters == 6);
}

TEST_CASE("dense: sees an image as one row, channels last") {
  using net = lo::network<lo::image<1, 2, 2>, lo::dense<1, lo::no_bias>>;
  CHECK(respond<net>({1, 10, 100, 1000}, {}, {1, 2, 3, 4}) == std::vector<double>{4321});
}
