#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <localis/backend/cpu/packet.hpp>

namespace direct = localis::cpu::direct;

TEST_CASE_TEMPLATE("packet: is loaded from and stored to any address, and nothing beside it", T, float, double) {
  constexpr std::size_t width = direct::width<T>;
  std::vector<T> in(2 * width + 1);
  for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<T>(i);
  for (std::size_t first = 0; first <= width; ++first) {
    std::vector<T> out(in.size(), T(-1));
    direct::store(direct::load(in.data() + first), out.data() + first);
    for (std::size_t i = 0; i < in.size(); ++i) {
      CHECK(out[i] == (i >= first && i < first + width ? in[i] : T(-1)));
    }
  }
}

TEST_CASE_TEMPLATE("packet: unrolled_factors passes each value with its index, in order", T, float, double) {
  constexpr std::size_t width = direct::width<T>;
  std::vector<T> in(3 * width + 1);
  for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<T>(i + 5);
  std::vector<std::size_t> indices;
  const auto check = [&](auto index, T value) {
    CHECK(value == in[1 + index]);
    indices.push_back(index);
  };
  direct::unrolled_factors<2 * width>(in.data() + 1, check);
  direct::unrolled_factors<2 * width + 1>(in.data() + 1, check);
  REQUIRE(indices.size() == 4 * width + 1);
  for (std::size_t i = 0; i < indices.size(); ++i) CHECK(indices[i] == (i < 2 * width ? i : i - 2 * width));
}

TEST_CASE_TEMPLATE("packet: multiply_add rounds once where the machine can, and keeps the sign of zero", T, float,
                   double) {
  const auto first = [](T factor, T value, T sum) {
    const direct::packet<T> values = value - direct::packet<T>{};
    const direct::packet<T> sums = sum - direct::packet<T>{};
    return direct::multiply_add(factor, values, sums)[0];
  };
#if defined(__FMA__) || defined(__AVX512F__) || defined(__aarch64__)
  constexpr T epsilon = std::numeric_limits<T>::epsilon();
  CHECK(first(1 + epsilon, 1 - epsilon, -1) == -epsilon * epsilon);
#endif
  CHECK(first(3, 5, 7) == 22);
  CHECK(std::signbit(first(-T(0), 1, -T(0))));
  CHECK(!std::signbit(first(-T(0), 1, 0)));
}

TEST_CASE_TEMPLATE("packet: values are summed, and squares of values transposed", T, float, double) {
  constexpr std::size_t width = direct::width<T>;
  std::vector<T> in(width * width);
  for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<T>(i);
  direct::packet<T> rows[width];
  for (std::size_t r = 0; r < width; ++r) rows[r] = direct::load(in.data() + r * width);
  CHECK(direct::sum<T>(rows[1]) == static_cast<T>(width * width + width * (width - 1) / 2));
  direct::transpose<T>(rows);
  for (std::size_t r = 0; r < width; ++r) {
    for (std::size_t i = 0; i < width; ++i) CHECK(rows[r][i] == in[i * width + r]);
  }
}
