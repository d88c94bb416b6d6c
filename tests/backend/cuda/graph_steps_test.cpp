#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "backend.hpp"
#include <doctest/doctest.h>

#include <localis/core/error.hpp>
#include <localis/core/memory.hpp>
#include <localis/kernel/elementwise.hpp>

namespace lo = localis;
using localis_test::gpu;
using localis_test::small_graphs;

namespace {

using kind = lo::memory_kind;

struct add_one {
  float* values;
  constexpr void operator()(std::size_t, std::size_t begin, std::size_t end) const {
    for (std::size_t i = begin; i < end; ++i) values[i] += 1;
  }
};

template <class Array>
std::vector<float> host_of(const gpu<float>& backend, const Array& array) {
  std::vector<float> host(array.size());
  backend.download(static_cast<const float*>(array.data()), std::span<float>(host));
  return host;
}

}  // namespace

TEST_CASE("graph_steps: each step has its own arguments, however many uploads it makes") {
  localis_test::on_device([] {
    const gpu<float> backend(small_graphs);
    constexpr std::size_t uploads = 20;  // more than there are buffers for them
    const auto array = backend.allocate<float>(kind::parameters, uploads);
    auto run_step = backend.make_step_runner();
    for (std::size_t step = 0; step < 5; ++step) {
      run_step(0, 1, [&] {
        for (std::size_t i = 0; i < uploads; ++i) {
          const auto value = static_cast<float>(100 * step + i);
          backend.upload(std::span<const float>(&value, 1), array.data() + i);
        }
        backend.for_rows(1, uploads, add_one{array.data()});
      });
      const std::vector<float> found = host_of(backend, array);
      for (std::size_t i = 0; i < uploads; ++i) CHECK(found[i] == static_cast<float>(100 * step + i + 1));
    }
  });
}

TEST_CASE("graph_steps: a step of another kind, or one that allocates, gets what it asks for") {
  localis_test::on_device([] {
    const gpu<float> backend(small_graphs);
    const auto array = backend.allocate<float>(kind::parameters, 3);
    std::vector<lo::buffer<float, lo::cuda::context>> fresh;
    auto run_step = backend.make_step_runner();
    for (std::size_t step = 0; step < 6; ++step) {
      run_step(0, 1, [&] {
        for (std::size_t k = 0; k < step; ++k) backend.for_rows(1, 3, add_one{array.data()});
        fresh.push_back(backend.allocate<float>(kind::parameters, 2));
        backend.for_rows(1, 2, add_one{fresh.back().data()});
      });
    }
    CHECK(host_of(backend, array) == std::vector<float>(3, 15));
    for (const auto& one : fresh) CHECK(host_of(backend, one) == std::vector<float>(2, 1));
  });
}

TEST_CASE("graph_steps: of a step that fails nothing is run, and the next one is well") {
  localis_test::on_device([] {
    const gpu<float> backend(small_graphs);
    const auto array = backend.allocate<float>(kind::parameters, 2);
    auto run_step = backend.make_step_runner();
    const auto step = [&] { run_step(0, 1, [&] { backend.for_rows(1, 2, add_one{array.data()}); }); };
    step();
    step();
    const auto fail = [&] {
      run_step(0, 1, [&] {
        backend.for_rows(1, 2, add_one{array.data()});
        throw std::runtime_error("the step failed");
      });
    };
    CHECK_THROWS_WITH_AS(fail(), "the step failed", std::runtime_error);
    CHECK(host_of(backend, array) == std::vector<float>(2, 2));
    step();
    CHECK(host_of(backend, array) == std::vector<float>(2, 3));
    // The host cannot wait in a step for the work of that step.
    const auto wait = [&] { run_step(0, 1, [&] { (void)host_of(backend, array); }); };
    CHECK_THROWS_AS(wait(), lo::device_error);
    step();
    CHECK(host_of(backend, array) == std::vector<float>(2, 4));
  });
}

#if !defined(__CUDACC__)
TEST_CASE("graph_steps: steps are collected once one of their boundary has run to its end") {
  standin::reset(standin::mode::immediate, std::size_t{1} << 16);
  const gpu<float> backend(small_graphs);
  const auto array = backend.allocate<float>(kind::parameters, 2);
  auto run_step = backend.make_step_runner();
  const auto step = [&](bool fails) {
    run_step(0, 1, [&] {
      backend.for_rows(1, 2, add_one{array.data()});
      if (fails) throw std::runtime_error("the step failed");
    });
  };
  CHECK_THROWS_AS(step(true), std::runtime_error);
  step(false);
  CHECK(standin::seen().graphs == 0);
  step(false);
  CHECK(standin::seen().graphs == 1);
  CHECK(host_of(backend, array) == std::vector<float>(2, 3));
}

TEST_CASE("graph_steps: whichever call fails, a device_error tells, and nothing leaks") {
  const auto work = [] {
    const gpu<float> backend(small_graphs);
    const auto array = backend.allocate<float>(kind::parameters, 2);
    auto run_step = backend.make_step_runner();
    for (std::size_t step = 0; step < 3; ++step) {
      run_step(0, 1, [&] {
        const float value = 1;
        backend.upload(std::span<const float>(&value, 1), array.data());
        backend.for_rows(1, 2, add_one{array.data()});
      });
    }
    return host_of(backend, array);
  };
  for (const standin::mode how : {standin::mode::immediate, standin::mode::deferred, standin::mode::racing}) {
    standin::reset(how, std::size_t{1} << 16);
    CHECK(work() == std::vector<float>{2, 3});
    const std::size_t calls = standin::seen().all;
    for (std::size_t call = 1; call <= calls; ++call) {
      CAPTURE(call);
      standin::reset(how, std::size_t{1} << 16);
      standin::fail(call, cudaErrorLaunchFailure);
      std::string said;
      try {
        const std::vector<float> found = work();
        CHECK(found == std::vector<float>{2, 3});
      } catch (const lo::device_error& failure) {
        said = failure.what();
      }
      if (said.empty()) CHECK(call > calls - 3);  // calls that only clean up
      CHECK(standin::alive() == 0);
      (void)cudaGetLastError();
    }
  }
}
#endif
