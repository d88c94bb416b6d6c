#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include <localis/math/softmax.hpp>

using localis::math::softmax_row;

// exp_of_negative is off by two units in the last place at most: a few 1e-16 in all.
TEST_CASE("softmax_row: shares by hand, and the logarithm of the sum") {
  const std::vector<double> from{0, std::log(2.0), std::log(5.0)};
  std::vector<double> to(3);
  CHECK(softmax_row(from.data(), to.data(), 3, 1.0) == doctest::Approx(std::log(8.0)).epsilon(1e-15));
  CHECK(to[0] == doctest::Approx(1.0 / 8).epsilon(2e-15));
  CHECK(to[1] == doctest::Approx(2.0 / 8).epsilon(2e-15));
  CHECK(to[2] == doctest::Approx(5.0 / 8).epsilon(2e-15));
}

TEST_CASE("softmax_row: the scale multiplies the exponent, the share the result, and a row may be its own output") {
  std::vector<double> row{0, std::log(3.0) / 2};
  CHECK(softmax_row<double>(row.data(), row.data(), 2, 2.0, 0.5) == doctest::Approx(std::log(4.0)).epsilon(1e-15));
  CHECK(row[0] == doctest::Approx(0.125).epsilon(2e-15));
  CHECK(row[1] == doctest::Approx(0.375).epsilon(2e-15));
}

TEST_CASE("softmax_row: large values of either sign are stable") {
  for (const double level : {1e5, -1e5}) {
    const std::vector<double> from{level, level, level, level};
    std::vector<double> to(4);
    CHECK(softmax_row(from.data(), to.data(), 4, 1.0) == doctest::Approx(level + std::log(4.0)).epsilon(1e-15));
    CHECK(to == std::vector<double>(4, 0.25));
  }
  const std::vector<float> from{1e4F, -1e4F};
  std::vector<float> to(2);
  CHECK(softmax_row(from.data(), to.data(), 2, 1.0F) == 1e4F);
  CHECK(to == std::vector<float>{1, 0});
}
