#include <cstddef>
#include <vector>

#include "support/by_formula.hpp"
#include "support/float_limits.hpp"
#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/core/operation.hpp>
#include <localis/layer/group_norm.hpp>
#include <localis/layer/instance_norm.hpp>
#include <localis/layer/layer_norm.hpp>

namespace localis_test::by_formula {

namespace lo = localis;
namespace by_formula = localis_test::by_formula;
namespace limits = localis_test::limits;
using localis_test::alone;
using localis_test::check_range;
using localis_test::layer_net;
using localis_test::numbers;

namespace {

/// A layer's output and gradients on 5 samples of 3 x 4 x 12 values.
template <class Layer>
std::vector<std::vector<double>> results() {
  using one = alone<Layer, lo::reference::backend<double>>;
  const lo::shape in{3, 4, 12};
  one layer(in, 5);
  for (const auto& p : layer.layer.parameters()) {
    for (std::size_t i = 0; i < p.size(); ++i) p.value[i] += static_cast<double>(i % 3);
  }
  return layer.run(numbers<double>(5 * in.size(), 1, 2), numbers<double>(5 * in.size(), 2), one::place::own);
}

template <class Layer, class Other>
void check_same() {
  const auto found = results<Layer>();
  const auto expected = results<Other>();
  REQUIRE(found.size() == expected.size());
  for (std::size_t k = 0; k < found.size(); ++k) {
    REQUIRE(found[k].size() == expected[k].size());
    for (std::size_t i = 0; i < found[k].size(); ++i) {
      CHECK(found[k][i] == doctest::Approx(expected[k][i]).epsilon(1e-13));
    }
  }
}

}  // namespace

TEST_CASE("group_norm: over the values of each group of neighbouring channels, by its formula") {
  // 4 groups of 3 channels.
  const lo::shape in{3, 4, 12};
  const std::vector<double> x = numbers<double>(5 * in.size(), 1, 2);
  const std::vector<double> y = results<lo::group_norm<4>>()[0];
  for (std::size_t n = 0; n < 5; ++n) {
    for (std::size_t group = 0; group < 4; ++group) {
      std::vector<std::size_t> places;
      for (std::size_t p = 0; p < 12; ++p) {
        for (std::size_t c = 0; c < 3; ++c) places.push_back((n * 12 + p) * 12 + group * 3 + c);
      }
      const normal expected(x, places, 1e-5);
      for (const std::size_t i : places) {
        const auto added = static_cast<double>(i % 12 % 3);
        CHECK(y[i] == doctest::Approx((1 + added) * expected.value(x[i]) + added).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE("group_norm: one group is layer_norm, as many as channels are affine_instance_norm") {
  check_same<lo::group_norm<1>, lo::layer_norm>();
  check_same<lo::group_norm<12>, lo::affine_instance_norm>();
}

TEST_CASE("group_norm: groups that do not divide the channels do not fit") {
  static_assert(lo::group_norm<4>::describe({3, 4, 12}).problem == lo::misfit::none);
  static_assert(lo::group_norm<5>::describe({3, 4, 12}).problem == lo::misfit::groups_do_not_divide);
  static_assert(lo::group_norm<24>::describe({3, 4, 12}).problem == lo::misfit::groups_do_not_divide);
}

TEST_CASE("group_norm: a flat map becomes exactly 0, in float at any level") {
  limits::check_flat<lo::group_norm<5>>(0);
}

TEST_CASE("group_norm: it keeps one map more than relu, its input") { limits::check_kept<lo::group_norm<2>>(true); }

TEST_CASE("group_norm: epsilon out of range") {
  layer_net<by_formula::input, lo::group_norm<3>> net(1);
  const auto make = [&](double v) -> const auto& {
    net.model.layer<1>().epsilon = v;
    return net.model;
  };
  check_range("group_norm: epsilon", "a finite number > 0", {0, -1}, {0.5, 2}, make);
}

}  // namespace localis_test::by_formula
