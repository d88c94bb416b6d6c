#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <vector>

#include "support/alone.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/relu.hpp>
#include <localis/loss/mean_squared_error.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>

/// Where layers that normalize or compare within a sample lose digits, or meet the ends of their ranges.
namespace localis_test::limits {

template <class T>
using reference = localis::reference::backend<T>;
inline constexpr localis::shape map{20, 17, 5};
inline constexpr std::size_t size = 2 * map.size();

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
  using net = localis::network<localis::image<6, 6, 4>, localis::conv2d<8, 3>, Layer, localis::conv2d<8, 3>, Layer,
                               localis::conv2d<2, 1>>;
  localis::model<net, reference<double>> model;
  model.prepare({.batch = 4});
  const localis::summary s = model.summary();
  CHECK(s.memory[0].arena == model.backend().counters().held(localis::memory_kind::arena));
  const std::size_t allocations = model.backend().counters().allocations;
  const std::vector<double> x = numbers<double>(4 * net::input.size(), 8);
  (void)model.forward(x, 4, {});
  (void)model.loss(localis::loss::mean_squared_error{}, {}, std::vector<double>(4 * net::output.size(), 0.5));
  model.backward();
  CHECK(model.backend().counters().allocations == allocations);
  return s.memory[0].activations;
}

/// What a layer keeps beyond what relu does: one map more, or nothing.
template <class Layer>
void check_kept(bool map_more) {
  const std::size_t both = 4 * (4 * 4 + 2 * 2) * 8 * sizeof(double);
  CHECK(activations<Layer>() == activations<localis::relu>() + (map_more ? both : 0));
}

}  // namespace localis_test::limits
