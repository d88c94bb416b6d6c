#include <cstddef>
#include <vector>

#include "support/optimizer_path.hpp"
#include <doctest/doctest.h>

#include <localis/optimizer/plain.hpp>

using localis::optimizer::plain;
using localis_test::check_equal;
using localis_test::gradient_at;
using localis_test::path;
using localis_test::rate_at;
using localis_test::row;
using localis_test::row_size;
using localis_test::start;
using localis_test::steps;

TEST_CASE("plain: w <- w - rate g") {
  std::vector<row> expected;
  row w = start;
  for (int t = 1; t <= steps; ++t) {
    const row g = gradient_at(w, t);
    for (std::size_t i = 0; i < row_size; ++i) w[i] -= rate_at(t) * g[i];
    expected.push_back(w);
  }
  check_equal(path(plain{}), expected);
}
