// Where layers that normalize or compare within a sample lose digits, or meet the ends of their ranges.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <vector>

#include "support/alone.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/instance_norm.hpp>
#include <localis/layer/layer_norm.hpp>
#include <localis/layer/patch_norm.hpp>
#include <localis/layer/relu.hpp>
#include <localis/layer/softmax.hpp>
#include <localis/layer/triangle.hpp>
#include <localis/loss/mean_squared_error.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>

namespace lo = localis;
using localis_test::alone;
using localis_test::numbers;

namespace {

template <class T>
using reference = lo::reference::backend<T>;
constexpr lo::shape map{20, 17, 5};
constexpr std::size_t size = 2 * map.size();

/// What a flat map becomes, at a level that has no exact mean by plain summation.
template <class Layer>
void check_flat(float expected) {
  for (const float level : {0.1F, -1000.1F}) {
    alone<Layer, reference<float>> one(map, 2);
    const auto found =
        one.run(std::vector<float>(size, level), numbers<float>(size, 3), alone<Layer, reference<float>>::place::own);
    CAPTURE(level);
    CHECK(std::count(found[0].begin(), found[0].end(), expected) == size);
    CHECK(std::all_of(found[1].begin(), found[1].end(), [](float g) { return std::isfinite(g); }));
  }
}

/// Largest difference of float from double on the same numbers, relative to the largest value: y, then gradients.
template <class Layer>
std::vector<double> losses(double offset) {
  using single = alone<Layer, reference<float>>;
  using full = alone<Layer, reference<double>>;
  const auto found = single(map, 2).run(numbers<float>(size, 5, offset), numbers<float>(size, 6), single::place::own);
  const auto expected = full(map, 2).run(numbers<double>(size, 5, offset), numbers<double>(size, 6), full::place::own);
  REQUIRE(found.size() == expected.size());
  std::vector<double> result;
  for (std::size_t k = 0; k < found.size(); ++k) {
    double apart = 0;
    double scale = 0;
    for (std::size_t i = 0; i < found[k].size(); ++i) {
      apart = std::max(apart, std::abs(static_cast<double>(found[k][i]) - expected[k][i]));
      scale = std::max(scale, std::abs(expected[k][i]));
    }
    result.push_back(apart / scale);
  }
  return result;
}

template <class Layer>
void check_losses(double offset, double tolerance) {
  for (const double loss : losses<Layer>(offset)) CHECK(loss < tolerance);
}

template <class Layer>
std::size_t activations() {
  using net = lo::network<lo::image<6, 6, 4>, lo::conv2d<8, 3>, Layer, lo::conv2d<8, 3>, Layer, lo::conv2d<2, 1>>;
  lo::model<net, reference<double>> model;
  model.prepare({.batch = 4});
  const lo::summary s = model.summary();
  CHECK(s.memory[0].arena == model.backend().counters().of(lo::memory_kind::arena));
  const std::size_t allocations = model.backend().counters().allocations;
  const std::vector<double> x = numbers<double>(4 * net::input.size(), 8);
  (void)model.forward(x, 4, {});
  (void)model.loss(lo::loss::mean_squared_error{}, {}, std::vector<double>(4 * net::output.size(), 0.5));
  model.backward();
  CHECK(model.backend().counters().allocations == allocations);
  return s.memory[0].activations;
}

}  // namespace

TEST_CASE("normalization: a flat map becomes exactly 0 (softmax: equal shares), in float at any level") {
  check_flat<lo::layer_norm>(0);
  check_flat<lo::instance_norm>(0);
  check_flat<lo::affine_instance_norm>(0);
  check_flat<lo::patch_norm<3>>(0);
  check_flat<lo::triangle>(0);
  check_flat<lo::softmax>(1.0F / 5);
}

TEST_CASE("normalization: few digits are lost in float, far from 0 too") {
  for (const double offset : {0.0, 100.0}) {
    CAPTURE(offset);
    check_losses<lo::layer_norm>(offset, 5e-6);
    check_losses<lo::instance_norm>(offset, 5e-6);
    check_losses<lo::affine_instance_norm>(offset, 5e-6);
    check_losses<lo::patch_norm<3>>(offset, 5e-6);
    check_losses<lo::triangle>(offset, 5e-6);
    check_losses<lo::softmax>(offset, 5e-6);
  }
}

TEST_CASE("patch_norm: flat ground beside a cliff keeps its digits") {
  // Where moments are taken about a mean of the whole sample, what cancels is the cliff.
  std::vector<float> x(size);
  std::vector<double> exact(size);
  const std::vector<float> ripple = numbers<float>(size, 7, 0, 0.5);
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t column = i / map.channels % map.width;
    x[i] = (column < 2 ? 4000.0F : 0.0F) + ripple[i];
    exact[i] = x[i];
  }
  using single = alone<lo::patch_norm<3>, reference<float>>;
  using full = alone<lo::patch_norm<3>, reference<double>>;
  const auto found = single(map, 2).run(x, {}, single::place::own)[0];
  const auto expected = full(map, 2).run(exact, {}, full::place::own)[0];
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t column = i / map.channels % map.width;
    if (column > 3) CHECK(std::abs(static_cast<double>(found[i]) - expected[i]) < 1e-5);
  }
}

TEST_CASE("triangle: no gradient where all channels are equal, and NaN stays NaN") {
  using one = alone<lo::triangle, reference<double>>;
  const std::vector<double> dy{1, -2, 3};
  CHECK(one({1, 1, 3}, 1).run({0.1, 0.1, 0.1}, dy, one::place::of_input)[1] == std::vector<double>{0, 0, 0});
  CHECK(one({1, 1, 1}, 1).run({7}, {2}, one::place::of_input)[1] == std::vector<double>{0});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto broken = one({1, 1, 3}, 1).run({1, nan, 2}, {}, one::place::own);
  for (const double y : broken[0]) CHECK(std::isnan(y));
}

TEST_CASE("softmax: one channel has all, and no gradient") {
  using one = alone<lo::softmax, reference<double>>;
  const auto found = one({2, 1, 1}, 1).run({-1e5, 3}, {2, 5}, one::place::own);
  CHECK(found[0] == std::vector<double>{1, 1});
  CHECK(found[1] == std::vector<double>{0, 0});
}

TEST_CASE("triangle, softmax: keep as much as relu does, and normalization: one map more, its input") {
  const std::size_t relu = activations<lo::relu>();
  CHECK(activations<lo::triangle>() == relu);
  CHECK(activations<lo::softmax>() == relu);
  const std::size_t both = 4 * (4 * 4 + 2 * 2) * 8 * sizeof(double);
  CHECK(activations<lo::layer_norm>() == relu + both);
  CHECK(activations<lo::instance_norm>() == relu + both);
  CHECK(activations<lo::patch_norm<3>>() == relu + both);
}
