#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <vector>

#include <doctest/doctest.h>

#include <localis/kernel/triangle.hpp>

namespace kernel = localis::kernel;

TEST_CASE("kernel::triangle: what is above the row's mean, to a power, in place too") {
  std::vector<double> x{1, 5, -3, 9};  // mean 3
  std::vector<double> y(4);
  kernel::triangle<double>{x.data(), y.data(), 4, 1.0}(0);
  CHECK(y == std::vector<double>{0, 2, 0, 6});
  kernel::triangle<double>{x.data(), y.data(), 4, 2.0}(0);
  CHECK(y == std::vector<double>{0, 4, 0, 36});
  kernel::triangle<double>{x.data(), x.data(), 4, 2.0}(0);
  CHECK(x == y);
}

TEST_CASE("kernel::triangle: NaN stays NaN") {
  const std::vector<double> x{1, std::nan(""), 2};
  std::vector<double> y(3);
  kernel::triangle<double>{x.data(), y.data(), 3, 1.0}(0);
  for (const double value : y) CHECK(std::isnan(value));
}

TEST_CASE("kernel::triangle_gradient: by differences, in place too") {
  for (const double power : {1.0, 2.5}) {
    CAPTURE(power);
    std::vector<double> x{0.3, -1.2, 2.5, 1.1};
    const std::vector<double> dy{1, -2, 0.5, 3};
    std::vector<double> y(4);
    const auto value = [&] {  // <dy, y>
      kernel::triangle<double>{x.data(), y.data(), 4, power}(0);
      double sum = 0;
      for (std::size_t c = 0; c < 4; ++c) sum += dy[c] * y[c];
      return sum;
    };
    (void)value();
    std::vector<double> dx(4);
    kernel::triangle_gradient<double>{y.data(), dy.data(), dx.data(), 4, power}(0);
    std::vector<double> in_place = dy;
    kernel::triangle_gradient<double>{y.data(), in_place.data(), in_place.data(), 4, power}(0);
    CHECK(in_place == dx);
    for (std::size_t c = 0; c < 4; ++c) {
      constexpr double step = 1e-5;
      const double middle = x[c];
      x[c] = middle + step;
      const double above = value();
      x[c] = middle - step;
      const double below = value();
      x[c] = middle;
      CHECK(std::abs(dx[c] - (above - below) / (2 * step)) < 1e-8);
    }
  }
}
