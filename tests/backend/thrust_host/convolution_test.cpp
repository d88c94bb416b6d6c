#include <array>
#include <cstddef>

#include "support/linear_map.hpp"
#include <doctest/doctest.h>

#include <localis/backend/thrust_host/backend.hpp>

namespace lo = localis;
using localis_test::check_problem;
using localis_test::problem;

namespace {

/// Rows cut anywhere, as many rows at a time as come.
void check(const problem& in) {
  for (const std::size_t stretch : std::array<std::size_t, 3>{1, 3, 1000000}) {
    for (const std::size_t chunk : std::array<std::size_t, 3>{1, 2048, 1 << 20}) {
      CAPTURE(stretch);
      CAPTURE(chunk);
      const lo::thrust_host::options how{.chunk_bytes = chunk, .stretch = stretch};
      check_problem(in, lo::thrust_host::backend<double>(how), 1e-13);
      if (stretch == 1) check_problem(in, lo::thrust_host::backend<float>(how), 2e-5);
    }
  }
}

}  // namespace

TEST_CASE("thrust_host: convolutions are what the definitions say, in chunks and stretches of any size") {
  for (const problem& in : localis_test::convolutions()) check(in);
}
TEST_CASE("thrust_host: depthwise convolutions are what the definitions say, in chunks and stretches of any size") {
  for (const problem& in : localis_test::depthwise_convolutions()) check(in);
}
