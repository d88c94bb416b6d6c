#include <array>

#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/residual.hpp>
#include <localis/model/statistics.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>

namespace lo = localis;

TEST_CASE("statistics: a stage's share of the multiply-adds, of all of its layers") {
  using block = lo::residual<lo::conv2d<3, 1>, lo::batch_norm, lo::conv2d<3, 3, lo::padding<1>>>;
  using net = lo::network<lo::image<4, 4, 2>, lo::conv2d<3, 1>, block, lo::dense<5>>;
  static_assert(net::stages == 3);
  // 16 positions of 2 x 3; of 3 x 3 and of 27 x 3; 48 x 5.
  constexpr double first = 16 * 6;
  constexpr double second = 16 * (9 + 81);
  constexpr double third = 48 * 5;
  const std::array<double, 3> shares = lo::detail::work_fractions<net>();
  CHECK(shares[0] == doctest::Approx(first / (first + second + third)).epsilon(1e-15));
  CHECK(shares[1] == doctest::Approx(second / (first + second + third)).epsilon(1e-15));
  CHECK(shares[2] == doctest::Approx(third / (first + second + third)).epsilon(1e-15));
}

TEST_CASE("statistics: the stages where a clipped row is an error") {
  using strict = lo::rule::local<lo::rule::oja, lo::rule::fail_on_negative_scale>;
  using net = lo::network<lo::vector_input<4>, lo::dense<4, lo::rule::oja>, lo::dense<3, strict>, lo::dense<2>>;
  using backend = lo::reference::backend<double>;
  static_assert(lo::detail::fails_on_clips<net, backend>() == std::array<bool, 3>{false, true, false});
}
