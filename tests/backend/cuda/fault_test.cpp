#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "backend.hpp"
#include <cublas_v2.h>
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <localis/core/error.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/relu.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/oja.hpp>
#include <localis/train/gradient_descent.hpp>

namespace lo = localis;
using localis_test::gpu;

namespace {

using net = lo::network<lo::image<4, 4, 2>, lo::conv2d<3, 3, lo::rule::oja>, lo::batch_norm, lo::relu, lo::dense<2>>;

/// Everything from the device's first call to a step and a prediction.
void work() {
  lo::model<net, gpu<float>> model{{}, gpu<float>(lo::cuda::options{.workspace_bytes = 4096})};
  lo::gradient_descent descent{model, lo::optimizer::sgd{.momentum = 0.9}};
  model.prepare({.batch = 2});
  const std::vector<float> x(2 * net::input.size(), 0.5F);
  const std::vector<std::uint32_t> labels{0, 1};
  model.forward(x, 2, {.boundary = 1, .local_rate = 1e-3});
  (void)model.loss(lo::loss::softmax_cross_entropy{}, labels);
  model.backward();
  descent.step(0.1);
  (void)model.predict(x, 2);
}

std::string message_of(std::size_t call, int status) {
  standin::fail(call, status);
  try {
    work();
  } catch (const lo::device_error& failure) {
    return failure.what();
  }
  return "";
}

/// How a process ends that does `what`; 0 where it does not come back.
template <class What>
int signal_of(const What& what) {
  const pid_t child = fork();
  if (child == 0) {
    (void)std::signal(SIGSEGV, SIG_DFL);  // not the test framework's
    what();
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

}  // namespace

TEST_CASE("cuda: whichever call fails, a device_error tells, nothing leaks, and the next run is well") {
  for (const standin::mode how : {standin::mode::immediate, standin::mode::deferred, standin::mode::racing}) {
    standin::reset(how, std::size_t{1} << 20);
    work();
    const std::size_t calls = standin::seen().all;
    CHECK(calls > 100);
    // Both libraries' numbers for "launch failure" and "execution failed" lie apart: each call knows its own.
    for (std::size_t call = 1; call <= calls; ++call) {
      CAPTURE(call);
      standin::reset(how, std::size_t{1} << 20);
      const std::string message = message_of(call, cudaErrorLaunchFailure);
      // Of the calls that only clean up, none throws.
      if (message.empty()) CHECK(call > calls - 8);
      CHECK(standin::alive() == 0);
      (void)cudaGetLastError();
    }
    standin::reset(how, std::size_t{1} << 20);
    work();
    CHECK(standin::alive() == 0);
  }
}

TEST_CASE("cuda: messages name the call, the code and its text") {
  standin::reset(standin::mode::immediate, std::size_t{1} << 20);
  CHECK(message_of(1, cudaErrorNoDevice) == "cuda: cudaGetDeviceCount: cudaErrorNoDevice: an error of the stand-in");
  CHECK(message_of(1, cudaErrorInsufficientDriver) ==
        "cuda: cudaGetDeviceCount: cudaErrorInsufficientDriver: an error of the stand-in");
  CHECK(message_of(5, CUBLAS_STATUS_EXECUTION_FAILED) ==
        "cuda: cublasCreate: CUBLAS_STATUS_EXECUTION_FAILED: a status of the stand-in");
  CHECK_THROWS_WITH_AS(gpu<float>(lo::cuda::options{.device = 3}),
                       "cuda::options: device: expected one of the 1 devices, found 3", lo::config_error);
  CHECK(standin::alive() == 0);
}

TEST_CASE("cuda: a network too large says how many bytes were needed, and what for") {
  for (const std::size_t kilobytes : {8U, 12U, 16U}) {
    standin::reset(standin::mode::immediate, kilobytes * 1024);
    std::string message;
    try {
      work();
    } catch (const lo::device_error& failure) {
      message = failure.what();
    }
    CAPTURE(message);
    if (kilobytes == 16) CHECK(message.empty());
    if (kilobytes == 8)
      CHECK(message.find("asked for 216 bytes for parameters; in use here: 0 of parameters, ") != std::string::npos);
    if (kilobytes == 12) {
      CHECK(message.rfind("cuda: out of memory: asked for ", 0) == 0);
      CHECK(message.find(" of parameters, ") != std::string::npos);
      CHECK(message.find(" of the device's 12288 bytes are free") != std::string::npos);
    }
    CHECK(standin::alive() == 0);
  }
}

TEST_CASE("cuda_standin: the host cannot read the device's memory, and sees NaN where nothing was written") {
  standin::reset(standin::mode::immediate, std::size_t{1} << 20);
  {
    const gpu<float> backend(lo::cuda::options{.workspace_bytes = 4096});
    const auto array = backend.allocate<float>(lo::memory_kind::arena, 4);
    CHECK(signal_of([&] { std::exit(array.data()[0] == 0 ? 3 : 4); }) == SIGSEGV);
    std::vector<float> host(4, 1);
    backend.download(static_cast<const float*>(array.data()), std::span<float>(host));
    CHECK(host == std::vector<float>(4, 0));  // zero at first, as every backend has it
  }
  CHECK(standin::alive() == 0);
}
