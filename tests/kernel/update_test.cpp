#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <localis/kernel/update.hpp>

namespace lo = localis;

TEST_CASE("max_abs_step: what is not a number is not hidden by the numbers behind it") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> gradient{1, 5, 2, 3, nan, 1};
  std::vector<double> peaks(3);
  using direction = lo::kernel::gradient_direction<double>;
  const lo::kernel::row_peaks<double, direction> rows_of{gradient.data(), {2}, {gradient.data(), 2}, peaks.data()};
  for (std::size_t row = 0; row < 3; ++row) rows_of(row);
  CHECK(peaks[0] == 5);
  CHECK(peaks[1] == 3);
  CHECK(std::isnan(peaks[2]));
  const double gain = 2;
  double factor = 0;
  lo::kernel::peak_factor<double>{peaks.data(), 2, &gain, &factor}(0);
  CHECK(factor == 0.4);
  std::swap(peaks[1], peaks[2]);
  lo::kernel::peak_factor<double>{peaks.data(), 3, &gain, &factor}(0);
  CHECK(std::isnan(factor));
}
