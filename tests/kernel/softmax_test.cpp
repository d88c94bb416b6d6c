#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <localis/kernel/softmax.hpp>

namespace kernel = localis::kernel;

TEST_CASE("kernel::softmax: each row by itself, with its sharpness, in place too") {
  std::vector<double> x{0, std::log(3.0) / 2, 7, 7};
  std::vector<double> y(4);
  const kernel::softmax<double> f{x.data(), y.data(), 2, 2.0};
  f(0);
  f(1);
  CHECK(y[0] == doctest::Approx(0.25).epsilon(2e-15));
  CHECK(y[1] == doctest::Approx(0.75).epsilon(2e-15));
  CHECK(y[2] == 0.5);
  CHECK(y[3] == 0.5);
  const kernel::softmax<double> in_place{x.data(), x.data(), 2, 2.0};
  in_place(0);
  in_place(1);
  CHECK(x == y);
}

TEST_CASE("kernel::softmax_gradient: by differences, in place too") {
  constexpr double sharpness = 1.5;
  std::vector<double> x{0.3, -1.2, 2.5, 0.1};
  const std::vector<double> dy{1, -2, 0.5, 3};
  std::vector<double> y(4);
  const auto value = [&] {  // <dy, softmax(x)>
    kernel::softmax<double>{x.data(), y.data(), 4, sharpness}(0);
    double sum = 0;
    for (std::size_t c = 0; c < 4; ++c) sum += dy[c] * y[c];
    return sum;
  };
  (void)value();
  std::vector<double> dx(4);
  kernel::softmax_gradient<double>{y.data(), dy.data(), dx.data(), 4, sharpness}(0);
  std::vector<double> in_place = dy;
  kernel::softmax_gradient<double>{y.data(), in_place.data(), in_place.data(), 4, sharpness}(0);
  CHECK(in_place == dx);
  for (std::size_t c = 0; c < 4; ++c) {
    constexpr double step = 1e-5;
    const double middle = x[c];
    x[c] = middle + step;
    const double above = value();
    x[c] = middle - step;
    const double below = value();
    x[c] = middle;
    CHECK(std::abs(dx[c] - (above - below) / (2 * step)) < 1e-9);
  }
}

TEST_CASE("kernel::softmax_error: softmax minus the label, times the share") {
  std::vector<double> z{0, std::log(3.0), 4, 4};
  const std::vector<std::uint32_t> labels{1, 0};
  const kernel::softmax_error<double> f{z.data(), labels.data(), 2, 0.5};
  f(0);
  f(1);
  CHECK(z[0] == doctest::Approx(0.125).epsilon(2e-15));
  CHECK(z[1] == doctest::Approx(-0.125).epsilon(2e-15));
  CHECK(z[2] == -0.25);
  CHECK(z[3] == 0.25);
}
