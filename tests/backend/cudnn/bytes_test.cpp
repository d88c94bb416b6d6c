#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "../cuda_standin/traced_steps.hpp"
#include "backend.hpp"
#include <doctest/doctest.h>

#include <localis/core/error.hpp>
#include <localis/core/operation.hpp>
#include <localis/rule/oja.hpp>
#include <localis/zoo/resnet.hpp>

namespace lo = localis;

namespace {

/// The bytes that a step of gradient descent reads and writes at least, with one pass over an array for each use.
///
///   X, U, W  the input, the response and the weights of a linear layer
struct least_bytes {
  double layers = 0;     ///< responses, gradients and normalizations
  double sums = 0;       ///< of residual blocks, in the forward pass
  double optimizer = 0;  ///< reads weight, gradient and momentum, and writes weight and momentum

  [[nodiscard]] double total() const { return layers + sums + optimizer; }
};

template <class Net>
least_bytes least_bytes_of_step(std::size_t batch) {
  least_bytes least;
  for (const lo::operation& op : Net::program.operations) {
    const auto bytes = [](std::size_t values) { return static_cast<double>(values * sizeof(float)); };
    const double u = bytes(batch * op.out.size());
    if (op.trainable()) {
      const double product = bytes(batch * op.in.size()) + bytes(op.map().weights()) + u;
      least.layers += (op.input == 0 ? 2 : 3) * product;  // no gradient of the network's input
    }
    if (op.kind == lo::operation_kind::normalization) least.layers += (3 + 5) * u;  // forward and backward
    if (op.kind == lo::operation_kind::add) least.sums += 3 * u;
    least.optimizer += 5 * bytes(op.parameters);
  }
  return least;
}

}  // namespace

TEST_CASE("cudnn: a step of ResNet-18 moves at most twice the bytes that it must, by launches that fill a GPU") {
  if (!standin::page_trace::available) {
    MESSAGE("left out: on this processor a fault does not tell whether it was a write");
    return;
  }
  using net = lo::zoo::resnet18_32<10, lo::rule::oja>;
  // Added up by hand for 128 samples: 4449 MB of activations and their gradients, and the weights, each in three
  // passes.
  CHECK(least_bytes_of_step<net>(128).layers == doctest::Approx(4449e6 + 134e6).epsilon(0.001));
  standin::reset(standin::mode::traced, std::size_t{4} << 30);
  {
    constexpr std::size_t batch = 64;
    const std::vector<standin::work> step = localis_test::trace_step<net>(lo::cudnn::backend<float>(), batch, 0);
    const auto bytes = [](const standin::work& work) {
      return static_cast<double>(work.bytes.read + work.bytes.written);
    };
    using kind = standin::work::kind;
    double all = 0;
    for (const standin::work& work : step) {
      if (work.is != kind::copy) all += bytes(work);
    }
    const double least = least_bytes_of_step<net>(batch).total();
    std::size_t fewest = (std::numeric_limits<std::size_t>::max)();  // blocks of a launch with a part in the bytes
    for (const standin::work& work : step) {
      if (work.is == kind::launch && bytes(work) > 0.01 * all) fewest = (std::min)(fewest, work.blocks);
    }
    MESSAGE(lo::text("a step of ", batch, " moves ", all / 1e6, " MB, of ", least / 1e6,
                     " MB that it must; no launch with 1 % of them has fewer blocks than ", fewest));
    CHECK(all >= least);
    CHECK(all <= 2 * least);
    CHECK(fewest >= 132);  // the multiprocessors of an H100 or H200
  }
  CHECK(standin::alive() == 0);
}
