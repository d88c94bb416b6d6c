#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "backend.hpp"
#include "support/linear_map.hpp"
#include <cudnn.h>
#include <doctest/doctest.h>

#include <localis/backend/cudnn/convolutions.hpp>
#include <localis/core/error.hpp>

namespace lo = localis;
using localis_test::check_problem;
using localis_test::problem;
using localis_test::small;

namespace {

template <class T>
using backend = lo::cudnn::backend<T>;

void check(const std::vector<problem>& problems) {
  localis_test::on_device([&] {
    for (const problem& in : problems) {
      check_problem(in, backend<double>(small), 1e-13);
      check_problem(in, backend<float>(small), 2e-5);
    }
  });
}

}  // namespace

TEST_CASE("cudnn: convolutions are what the definitions say") { check(localis_test::convolutions()); }
TEST_CASE("cudnn: depthwise convolutions are what the definitions say") {
  check(localis_test::depthwise_convolutions());
}

#if !defined(__CUDACC__)
namespace {

/// A response of `samples` images by a convolution with stride 2, which nothing but unfolding could turn into a
/// product.
struct one_response {
  lo::linear_map map{{6, 6, 4}, {3, 3, 5}, {3, 3, 2, 1}};

  void operator()(const backend<float>& device, std::size_t samples) const {
    const auto x = device.template allocate<float>(lo::memory_kind::arena, samples * map.in.size());
    const auto w = device.template allocate<float>(lo::memory_kind::arena, map.weights());
    auto u = device.template allocate<float>(lo::memory_kind::arena, samples * map.out.size());
    lo::workspace needed;
    device.respond_scratch(map, samples, needed);
    auto scratch = device.template allocate<std::byte>(lo::memory_kind::arena, needed.used());
    device.respond(map, {.samples = samples, .x = x.data(), .w = w.data(), .u = u.data()},
                   lo::workspace(scratch.data()));
  }
};

}  // namespace

TEST_CASE("cudnn: a convolution is one call in the precision of the options") {
  using lo::cuda::math;
  struct row {
    math precision;
    cudnnMathType_t expected;
  };
  for (const row& one : std::array<row, 3>{
           {{math::pedantic, CUDNN_FMA_MATH}, {math::tf32, CUDNN_DEFAULT_MATH}, {math::bf16, CUDNN_DEFAULT_MATH}}}) {
    localis_test::on_device([&] {
      const backend<float> device(lo::cuda::options{.precision = one.precision, .workspace_bytes = 4096});
      one_response()(device, 3);
      CHECK(standin::seen().convolutions == 1);
      CHECK(standin::seen().products == 0);
      CHECK(standin::seen().launches == 0);
      CHECK(standin::seen().math_type == one.expected);
    });
  }
}
TEST_CASE("cudnn: without an algorithm that fits into the workspace, convolutions are unfolded") {
  localis_test::on_device([] {
    one_response()(backend<float>(lo::cuda::options{.workspace_bytes = 32}), 3);
    CHECK(standin::seen().convolutions == 0);
    CHECK(standin::seen().products == 1);
  });
}
TEST_CASE("cudnn: too little workspace for a batch is an error that says so") {
  localis_test::on_device([] {
    const backend<float> device(lo::cuda::options{.workspace_bytes = 256});
    one_response()(device, 4);
    CHECK_THROWS_WITH_AS(one_response()(device, 5),
                         "cudnn: a convolution of 5 x 6x6x4 to 3x3x5: expected a deterministic algorithm within "
                         "workspace_bytes, 256, found none",
                         lo::device_error);
  });
}
TEST_CASE("cudnn: the first call that fails is named, and nothing is left") {
  std::size_t calls = 0;
  localis_test::on_device_at_once(
      [&] {
        const backend<float> device(small);
        one_response()(device, 2);
        calls = standin::seen().all;
      },
      std::size_t{16} << 20);
  bool named = false;
  for (std::size_t call = 1; call <= calls; ++call) {
    CAPTURE(call);
    localis_test::on_device_at_once(
        [&] {
          standin::fail(call, CUDNN_STATUS_EXECUTION_FAILED);
          std::string message;
          try {
            one_response()(backend<float>(small), 2);
          } catch (const lo::device_error& failure) {
            message = failure.what();
          }
          CHECK(message != "");
          named = named || message == "cudnn: cudnnConvolutionForward: CUDNN_STATUS_EXECUTION_FAILED";
        },
        std::size_t{16} << 20);
  }
  CHECK(named);
}
#endif
