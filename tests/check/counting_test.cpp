#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <localis/check/counting.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/relu.hpp>
#include <localis/layer/residual.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/network/program.hpp>
#include <localis/reference/backend.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/rule/oja.hpp>
#include <localis/train/model.hpp>

namespace lo = localis;
using lo::check::multiply_adds;
using oja = lo::rule::oja;

namespace {

using backend = lo::check::counting<lo::reference::backend<double>>;

using net = lo::network<lo::image<8, 6, 2>, lo::conv2d<4, 3, lo::padding<1>, oja>, lo::batch_norm, lo::relu,
                        lo::residual<lo::shortcut<lo::conv2d<6, 1, lo::stride<2>, oja>, lo::batch_norm>,
                                     lo::conv2d<6, 3, lo::stride<2>, lo::padding<1>, oja>, lo::batch_norm, lo::relu,
                                     lo::conv2d<6, 3, lo::padding<1>, oja>, lo::batch_norm>,
                        lo::relu, lo::dense<5, lo::rule::hebb>, lo::relu, lo::dense<3>>;

// Multiply-adds of one sample, P O I.
constexpr std::size_t conv = 48 * 4 * 18;
constexpr std::size_t projection = 12 * 6 * 4;
constexpr std::size_t first = 12 * 6 * 36;
constexpr std::size_t second = 12 * 6 * 54;
constexpr std::size_t block = projection + first + second;
constexpr std::size_t dense = 5 * 72;
constexpr std::size_t last = 3 * 5;
constexpr std::size_t all = conv + block + dense + last;

constexpr std::size_t samples = 3;

multiply_adds times(const multiply_adds& one, std::size_t n) {
  return {one.response * n, one.rule * n, one.weight_gradient * n, one.input_gradient * n};
}

struct step {
  backend counted;
  lo::model<net, backend> model{{.seed = 2}, counted};
  std::vector<double> x = std::vector<double>(samples * 8 * 6 * 2, 0.5);
  std::vector<std::uint32_t> labels{0, 1, 2};

  step() { model.prepare({.batch = samples}); }
  multiply_adds cost(std::size_t boundary, double local_rate) {
    counted.counts() = {};
    model.forward(x, samples, {.boundary = boundary, .local_rate = local_rate});
    model.loss(lo::loss::softmax_cross_entropy{}, labels);
    model.backward();
    return counted.counts();
  }
};

void check_equal(const multiply_adds& found, const multiply_adds& expected) {
  CHECK(found.response == expected.response);
  CHECK(found.rule == expected.rule);
  CHECK(found.weight_gradient == expected.weight_gradient);
  CHECK(found.input_gradient == expected.input_gradient);
}

}  // namespace

TEST_CASE("counting: a local stage costs its response and one product, a stage below T no gradient") {
  step s;
  // Stages: convolution, block, dense, dense. Stage 0 never needs an input gradient, nor does the transition stage: in
  // a block that is its first convolution and its projection.
  check_equal(s.cost(0, 1e-3), times({all, 0, all, block + dense + last}, samples));
  check_equal(s.cost(1, 1e-3), times({all, conv, block + dense + last, second + dense + last}, samples));
  check_equal(s.cost(2, 1e-3), times({all, conv + block, dense + last, last}, samples));
  check_equal(s.cost(3, 1e-3), times({all, conv + block + dense, last, 0}, samples));
}

TEST_CASE("counting: a frozen prefix costs its response alone") {
  step s;
  check_equal(s.cost(0, 0), times({all, 0, all, block + dense + last}, samples));
  check_equal(s.cost(2, 0), times({all, 0, dense + last, last}, samples));
  check_equal(s.cost(3, 0), times({all, 0, last, 0}, samples));
}

TEST_CASE("counting: an evaluation costs the response of the samples that are there") {
  step s;
  s.counted.counts() = {};
  (void)s.model.predict(s.x, samples);
  check_equal(s.counted.counts(), times({all, 0, 0, 0}, samples));
  const std::vector<double> more(5 * 8 * 6 * 2, 0.5);  // two batches: 3 and 2
  (void)s.model.predict(more, 5);
  check_equal(s.counted.counts(), times({all, 0, 0, 0}, samples + 5));
}

TEST_CASE("counting: counts add up over steps, over copies, and to the total") {
  step s;
  const multiply_adds one = s.cost(1, 1e-3);
  CHECK(one.total() == samples * (all + conv + block + dense + last + second + dense + last));
  s.model.forward(s.x, samples, {.boundary = 1, .local_rate = 1e-3});
  CHECK(s.counted.counts().rule == 2 * one.rule);
  const backend copy = s.counted;
  copy.counts() = {};
  CHECK(s.model.backend().counts() == multiply_adds{});
}

TEST_CASE("counting: the numbers are those of the backend that is counted") {
  step s;
  lo::model<net, lo::reference::backend<double>> plain{{.seed = 2}};
  plain.prepare({.batch = samples});
  const auto expected = plain.forward(s.x, samples, {.boundary = 2, .local_rate = 1e-3});
  const auto found = s.model.forward(s.x, samples, {.boundary = 2, .local_rate = 1e-3});
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(found[i] == expected[i]);
}
