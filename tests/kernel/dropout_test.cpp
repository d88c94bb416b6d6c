#include <cmath>
#include <cstddef>
#include <vector>

#include <doctest/doctest.h>

#include <localis/core/random.hpp>
#include <localis/kernel/dropout.hpp>

namespace lo = localis;

TEST_CASE("kernel::dropout: one mask by the element's index, however a row is cut, for values and for gradients") {
  constexpr std::size_t rows = 8;
  constexpr std::size_t columns = 25;
  const lo::random_stream random(3, 7);
  const std::vector<double> x(rows * columns, 3.0);
  std::vector<double> whole(x.size());
  std::vector<double> cut = x;
  const lo::kernel::dropout<double> f{x.data(), whole.data(), columns, random, 0.25};
  const lo::kernel::dropout<double> in_place{cut.data(), cut.data(), columns, random, 0.25};
  for (std::size_t row = 0; row < rows; ++row) f(row, 0, columns);
  for (std::size_t row = rows; row-- > 0;) {
    in_place(row, 10, columns);
    in_place(row, 0, 10);
  }
  CHECK(cut == whole);
  std::size_t dropped = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    dropped += whole[i] == 0 ? 1U : 0U;
    CHECK(whole[i] == (random.uniform(i) >= 0.25 ? 3.0 * (1 / 0.75) : 0.0));
  }
  // 200 draws of 1/4: 50, with deviation 6.1; four of them.
  CHECK(dropped > 25);
  CHECK(dropped < 75);
}

TEST_CASE("kernel::dropout: a draw equal to the rate keeps its element") {
  const lo::random_stream random(3, 7);
  const double draw = random.uniform(0);
  const auto keeps = [&](double rate) {
    const double x = 1;
    double y = -1;
    lo::kernel::dropout<double>{&x, &y, 1, random, rate}(0, 0, 1);
    return y != 0;
  };
  CHECK(keeps(draw));
  CHECK(keeps(std::nextafter(draw, 0.0)));
  CHECK_FALSE(keeps(std::nextafter(draw, 1.0)));
  CHECK(keeps(0));
}
