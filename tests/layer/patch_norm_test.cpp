#include <cmath>
#include <cstddef>
#include <vector>

#include "support/by_formula.hpp"
#include "support/float_limits.hpp"
#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/layer/patch_norm.hpp>

namespace localis_test::by_formula {

namespace lo = localis;
namespace by_formula = localis_test::by_formula;
namespace limits = localis_test::limits;
using localis_test::alone;
using localis_test::check_range;
using localis_test::layer_net;
using localis_test::numbers;
using localis_test::limits::map;
using localis_test::limits::size;

TEST_CASE("patch_norm: by the patch around each position, cut at the border") {
  check_values<lo::patch_norm<3>>(
      [](const auto& x, std::size_t n, std::size_t row, std::size_t column, std::size_t c) {
        std::vector<std::size_t> patch;
        for (std::size_t p = 0; p < height * width; ++p) {
          const auto near = [](std::size_t a, std::size_t b) { return a <= b + 1 && b <= a + 1; };
          if (!near(p / width, row) || !near(p % width, column)) continue;
          for (std::size_t k = 0; k < channels; ++k) patch.push_back(index_of(n, p / width, p % width, k));
        }
        return normal(x, patch, 1e-5).value(x[index_of(n, row, column, c)]);
      },
      1e-11);
}

TEST_CASE("patch_norm: a flat map becomes 0, whatever its level") {
  layer_net<input, lo::patch_norm<3>> net(1);
  for (const double y : net.forward(std::vector<double>(height * width * channels, 1e6))) CHECK(std::abs(y) < 1e-6);
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
  using single = alone<lo::patch_norm<3>, limits::reference<float>>;
  using full = alone<lo::patch_norm<3>, limits::reference<double>>;
  const auto found = single(map, 2).run(x, {}, single::place::own)[0];
  const auto expected = full(map, 2).run(exact, {}, full::place::own)[0];
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t column = i / map.channels % map.width;
    if (column > 3) CHECK(std::abs(static_cast<double>(found[i]) - expected[i]) < 1e-5);
  }
}

TEST_CASE("patch_norm: a flat map becomes exactly 0, in float at any level") {
  limits::check_flat<lo::patch_norm<3>>(0);
}

TEST_CASE("patch_norm: few digits are lost in float, far from 0 too") {
  for (const double offset : {0.0, 100.0}) {
    CAPTURE(offset);
    limits::check_losses<lo::patch_norm<3>>(offset, 5e-6);
  }
}

TEST_CASE("patch_norm: it keeps one map more than relu, its input") { limits::check_kept<lo::patch_norm<3>>(true); }

TEST_CASE("patch_norm: epsilon out of range") {
  layer_net<by_formula::input, lo::patch_norm<3>> net(1);
  const auto make = [&](double v) -> const auto& {
    net.model.layer<1>().epsilon = v;
    return net.model;
  };
  check_range("patch_norm: epsilon", "a finite number > 0", {0, -1}, {0.5, 2}, make);
}

}  // namespace localis_test::by_formula
