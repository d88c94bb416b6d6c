#include <array>
#include <cstddef>
#include <vector>

#include "support/distance.hpp"
#include "support/linear_map.hpp"
#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/backend/reference/backend.hpp>
#include <localis/core/random.hpp>

namespace lo = localis;
using localis_test::check_problem;
using localis_test::problem;

TEST_CASE("convolution: the reference computes what the definitions say") {
  for (const problem& in : localis_test::convolutions()) check_problem(in, lo::reference::backend<double>(), 1e-13);
}
TEST_CASE("convolution: cpu computes what the definitions say, in tiles of any size on any number of threads") {
  for (const problem& in : localis_test::convolutions()) {
    for (const std::size_t threads : std::array<std::size_t, 3>{1, 2, 3}) {
      for (const std::size_t tile : std::array<std::size_t, 2>{1024, 262144}) {
        CAPTURE(tile);
        const lo::cpu::options how{.threads = threads, .tile_bytes = tile, .grain = 1};
        check_problem(in, lo::cpu::backend<double>(how), 1e-13);
        check_problem(in, lo::cpu::backend<float>(how), 2e-5);
      }
    }
  }
}

TEST_CASE("convolution: rounding errors of responses and input gradients do not grow with the number of terms") {
  lo::learn_options options;
  options.unit_sums = 2;
  for (const std::size_t channels : std::array<std::size_t, 2>{512, 24}) {
    const lo::window field{3, 3, 1, 1};
    const problem in{{{4, 4, channels}, {4, 4, 536 - channels}, field, 1}, 2, options, false};
    const localis_test::results exact = run(in, lo::cpu::backend<double>());
    const localis_test::results found = run(in, lo::cpu::backend<float>());
    CHECK(localis_test::distance(found.u, exact.u) < 3e-7);  // a single sum of 4608 terms: 1e-6
    CHECK(localis_test::distance(found.response, exact.response) < 3e-7);
    CHECK(localis_test::distance(found.input_gradient, exact.input_gradient) < 3e-7);
  }
}
