#include <cmath>
#include <cstddef>
#include <vector>

#include "support/by_formula.hpp"
#include "support/float_limits.hpp"
#include "support/ranges.hpp"
#include <doctest/doctest.h>

#include <localis/layer/softmax.hpp>

namespace localis_test::by_formula {

namespace lo = localis;
namespace by_formula = localis_test::by_formula;
namespace limits = localis_test::limits;
using localis_test::alone;
using localis_test::check_range;
using localis_test::layer_net;

TEST_CASE("softmax: shares of the channels, stable for large input") {
  check_values<lo::softmax>([](const auto& x, std::size_t n, std::size_t row, std::size_t column, std::size_t c) {
    double sum = 0;
    for (std::size_t k = 0; k < channels; ++k)
      sum += std::exp(x[index_of(n, row, column, k)] - x[index_of(n, row, column, c)]);
    return 1 / sum;
  });
  layer_net<lo::vector_input<2>, lo::softmax> net(1);
  net.model.layer<1>().sharpness = 0.5;
  const std::vector<double> y = net.forward({1e4, 1e4 + 2});
  CHECK(y[0] == doctest::Approx(1 / (1 + std::exp(1.0))).epsilon(1e-12));
  CHECK(y[1] == doctest::Approx(1 / (1 + std::exp(-1.0))).epsilon(1e-12));
}

TEST_CASE("softmax: one channel has all, and no gradient") {
  using one = alone<lo::softmax, limits::reference<double>>;
  const auto found = one({2, 1, 1}, 1).run({-1e5, 3}, {2, 5}, one::place::own);
  CHECK(found[0] == std::vector<double>{1, 1});
  CHECK(found[1] == std::vector<double>{0, 0});
}

TEST_CASE("softmax: a flat map becomes exactly equal shares, in float at any level") {
  limits::check_flat<lo::softmax>(1.0F / 5);
}

TEST_CASE("softmax: few digits are lost in float, far from 0 too") {
  for (const double offset : {0.0, 100.0}) {
    CAPTURE(offset);
    limits::check_losses<lo::softmax>(offset, 5e-6);
  }
}

TEST_CASE("softmax: it keeps as much as relu does") { limits::check_kept<lo::softmax>(false); }

TEST_CASE("softmax: sharpness out of range") {
  layer_net<by_formula::input, lo::softmax> net(1);
  const auto make = [&](double v) -> const auto& {
    net.model.layer<1>().sharpness = v;
    return net.model;
  };
  check_range("softmax: sharpness", "a finite number > 0", {0, -1}, {0.5, 2}, make);
}

}  // namespace localis_test::by_formula
