#include <array>
#include <cstddef>

#include "backend.hpp"
#include "support/linear_map.hpp"
#include <doctest/doctest.h>

namespace lo = localis;
using lo::cuda::bfloat16;
using localis_test::agree;
using localis_test::check_problem;
using localis_test::gpu;
using localis_test::numbers;
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

void round_all(numbers& values) {
  for (double& value : values) value = static_cast<float>(bfloat16(static_cast<float>(value)));
}
/// The same of numbers that bfloat16 holds.
problem rounded(problem in) {
  round_all(in.x);
  round_all(in.w);
  round_all(in.h);
  round_all(in.d);
  return in;
}

}  // namespace

TEST_CASE("cuda: convolutions are what the definitions say") {
  localis_test::on_device([] { check(localis_test::convolutions()); });
}
TEST_CASE("cuda: depthwise convolutions are what the definitions say") {
  localis_test::on_device([] { check(localis_test::depthwise_convolutions()); });
}
TEST_CASE("cuda: products of what is stored as bfloat16 are exact but for the sum's roundings") {
  localis_test::on_device([] {
    for (const std::size_t chunk : std::array<std::size_t, 2>{1024, 1 << 20}) {
      const lo::cuda::options how{.chunk_bytes = chunk, .workspace_bytes = 4096};
      // Gates are rounded, too, each to 2^-9 of itself; in their sums some of what they add up to cancels.
      for (const problem& in : localis_test::convolutions()) {
        check_problem(rounded(in), gpu<float, bfloat16>(how), 2e-5, 0x1p-7);
      }
      for (const problem& in : localis_test::depthwise_convolutions()) {
        check_problem(in, gpu<float, bfloat16>(how), 2e-5);
      }
    }
  });
}
TEST_CASE("cuda: what products read is rounded to the nearest bfloat16, and nothing else is") {
  localis_test::on_device([] {
    for (problem& in : localis_test::convolutions()) {
      in.options.response_is_given = false;
      const localis_test::results found = run(in, gpu<float, bfloat16>(localis_test::small));
      const localis_test::results expected = slow(rounded(in));
      agree("response", found.u, expected.u, 2e-5);
      agree("weight gradient", found.gradient, expected.gradient, 2e-5);
      agree("input gradient", found.input_gradient, expected.input_gradient, 2e-5);
      if (in.has_bias) agree("bias gradient", found.bias_gradient, slow(in).bias_gradient, 2e-5);
    }
  });
}
