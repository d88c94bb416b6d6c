#include <array>
#include <cstddef>

#include "../cpu/linear_map.hpp"
#include "backend.hpp"
#include <doctest/doctest.h>

namespace lo = localis;
using localis_test::check_problem;
using localis_test::gpu;
using localis_test::problem;

namespace {

template <class Problems>
void check(const Problems& problems) {
  for (const std::size_t chunk : std::array<std::size_t, 2>{1024, 1 << 20}) {
    CAPTURE(chunk);
    const lo::cuda::options how{.chunk_bytes = chunk, .workspace_bytes = 4096};
    for (const problem& in : problems) {
      check_problem(in, gpu<double>(how), 1e-13);
      check_problem(in, gpu<float>(how), 2e-5);
    }
  }
}

}  // namespace

TEST_CASE("cuda: convolutions are what the definitions say") {
  localis_test::on_device([] { check(localis_test::convolutions()); });
}
TEST_CASE("cuda: depthwise convolutions are what the definitions say") {
  localis_test::on_device([] { check(localis_test::depthwise_convolutions()); });
}
