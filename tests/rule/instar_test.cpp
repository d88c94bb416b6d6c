#include <cstddef>
#include <vector>

#include "support/competition.hpp"
#include <doctest/doctest.h>

#include <localis/rule/instar.hpp>

namespace lo = localis;
using lo::rule::instar;
using localis_test::clouds;
using localis_test::deviation;
using localis_test::one_layer;

TEST_CASE("instar: a unit comes to the mean of the inputs weighted by its response") {
  const clouds d;
  one_layer<instar, clouds::inputs, 1> one(2 * clouds::each);
  one.set({1, 0, 0, 0});
  for (int i = 0; i < 6000; ++i) one.step(d.x, 0.05);
  std::vector<double> mean(clouds::inputs, 0.0);
  double weight = 0;
  for (std::size_t p = 0; p < 2 * clouds::each; ++p) {
    double u = 0;
    for (std::size_t i = 0; i < clouds::inputs; ++i) u += one.weights()[i] * d.x[p * clouds::inputs + i];
    if (u <= 0) continue;
    weight += u;
    for (std::size_t i = 0; i < clouds::inputs; ++i) mean[i] += u * d.x[p * clouds::inputs + i];
  }
  for (double& m : mean) m /= weight;
  CHECK(deviation(one.weights(), mean) < 1e-9);
}
