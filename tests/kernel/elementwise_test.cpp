#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>

#include <localis/core/unlabelled.hpp>
#include <localis/kernel/elementwise.hpp>
#include <localis/math/activation.hpp>

namespace lo = localis;
namespace kernel = lo::kernel;
using values = std::vector<double>;

namespace {

template <class Kernel>
void run(const Kernel& f, std::size_t rows, std::size_t columns) {
  for (std::size_t row = 0; row < rows; ++row) {
    f(row, columns / 2, columns);  // any stretch, in any order
    f(row, 0, columns / 2);
  }
}

const values six{1, 2, 3, 4, 5, 6};  // 2 x 3

}  // namespace

TEST_CASE("kernel: copy and fill") {
  values to(6, -1);
  run(kernel::copy<double>{six.data(), to.data(), 3}, 2, 3);
  CHECK(to == six);
  run(kernel::fill<double>{to.data() + 1, 7}, 1, 4);
  CHECK(to == values{1, 7, 7, 7, 7, 6});
}

TEST_CASE("kernel: add_to_rows and column_sums") {
  values to = six;
  const values row{10, 20, 30};
  run(kernel::add_to_rows<double>{to.data(), row.data(), 3}, 2, 3);
  CHECK(to == values{11, 22, 33, 14, 25, 36});
  const std::vector<float> wide{1, 2, -1, 4, 5, -1};  // rows of 3, of which 2 count
  values sums{100, 0};
  const kernel::column_sums<double, float> f{wide.data(), 3};
  f(0, 0, 2, sums.data());
  f(1, 0, 1, sums.data());
  f(1, 1, 2, sums.data());
  CHECK(sums == values{105, 7});
}

TEST_CASE("kernel: rows by stride and by index, and turned") {
  std::vector<float> few(4);
  run(kernel::gather_strided<double, float>{six.data(), 3, few.data(), 2}, 2, 2);
  CHECK(few == std::vector<float>{1, 2, 4, 5});

  const std::vector<std::uint32_t> index{2, 0};
  values rows(4);
  const std::vector<std::uint32_t> labels{lo::data::unlabelled, 7};
  run(kernel::gather_rows<double>{six.data(), index.data(), labels.data(), rows.data(), 2, 2}, 2, 2);
  CHECK(rows == values{0, 0, 1, 2});
  run(kernel::gather_rows<double>{six.data(), index.data(), nullptr, rows.data(), 2, 2}, 2, 2);
  CHECK(rows == values{5, 6, 1, 2});
  values back(6, -1);
  run(kernel::scatter_rows<double>{rows.data(), index.data(), back.data(), 2, 2}, 2, 2);
  CHECK(back == values{1, 2, -1, -1, 5, 6});
  values numbered(6, -1);
  run(kernel::number_rows<double>{rows.data(), index.data(), numbered.data(), 2}, 2, 2);
  CHECK(numbered == values{2, 5, 6, 0, 1, 2});
  std::vector<float> placed(6, -1);
  run(kernel::place_rows<float>{numbered.data(), placed.data(), 2}, 2, 2);
  CHECK(placed == std::vector<float>{1, 2, -1, -1, 5, 6});

  values turned(6, 100);
  run(kernel::transposed<double>{six.data(), 3, turned.data(), 2, kernel::store::replace}, 3, 2);
  CHECK(turned == values{1, 4, 2, 5, 3, 6});
  run(kernel::transposed<double>{six.data(), 3, turned.data(), 2, kernel::store::add}, 3, 2);
  CHECK(turned == values{2, 8, 4, 10, 6, 12});
}

TEST_CASE("kernel: scale_rows, and a sum with its activation") {
  values x = six;
  const values factor{2, -1};
  run(kernel::scale_rows<double>{factor.data(), x.data(), 3}, 2, 3);
  CHECK(x == values{2, 4, 6, -4, -5, -6});
  values sum(6);
  run(kernel::add<double, lo::relu_function>{x.data(), six.data(), sum.data(), 3, {}}, 2, 3);
  CHECK(sum == values{3, 6, 9, 0, 0, 0});
  run(kernel::add<double>{x.data(), six.data(), x.data(), 3}, 2, 3);
  CHECK(x == values{3, 6, 9, 0, 0, 0});
}

TEST_CASE("kernel: a weighted sum, in place too") {
  values other{6, 5, 4, 3, 2, 1};
  run(kernel::weighted_sum<double>{six.data(), other.data(), other.data(), 3, 0.25, 2}, 2, 3);
  CHECK(other == values{12.25, 10.5, 8.75, 7, 5.25, 3.5});
}

TEST_CASE("kernel: an activation and its gradient, in place too") {
  values x{-1, 2, -3, 4};
  const lo::leaky_relu_function leaky{.leak = 0.5};
  run(kernel::activate<double, lo::leaky_relu_function>{x.data(), x.data(), 2, leaky}, 2, 2);
  CHECK(x == values{-0.5, 2, -1.5, 4});
  values d{1, 1, 10, 10};
  run(kernel::activate_gradient<double, lo::leaky_relu_function>{x.data(), d.data(), d.data(), 2, leaky}, 2, 2);
  CHECK(d == values{0.5, 1, 5, 10});
}

TEST_CASE("kernel: what bytes stand for, by channel, in packs too") {
  std::vector<float> table(256 * 3);
  for (std::size_t i = 0; i < table.size(); ++i)
    table[i] = static_cast<float>(i / 3) + 1000.0F * static_cast<float>(i % 3);
  const std::vector<std::uint8_t> pixels{7, 0, 255, 1, 2, 3, 254, 100, 128, 5, 5, 5,
                                         9, 8, 7,   6, 5, 4, 3,   2,   1,   0, 0, 255};
  const values expected{7, 1000, 2255, 1, 1002, 2003, 254, 1100, 2128, 5, 1005, 2005,
                        9, 1008, 2007, 6, 1005, 2004, 3,   1002, 2001, 0, 1000, 2255};
  values to(24, -1);
  const kernel::look_up<double> f{pixels.data(), table.data(), to.data(), 12, 3, kernel::divider(3)};
  run(f, 2, 12);
  CHECK(to == expected);
  CHECK(f.packs(4));
  CHECK_FALSE(f.packs(5));
  const auto by_packs = [&]<std::size_t N>(std::integral_constant<std::size_t, N>) {
    to.assign(24, -1);
    for (std::uint32_t row = 0; row < 2; ++row) {
      for (std::uint32_t begin = 0; begin < 12; begin += N) f.template packed<N>(row, begin);
    }
    CHECK(to == expected);
  };
  by_packs(std::integral_constant<std::size_t, 1>{});
  by_packs(std::integral_constant<std::size_t, 4>{});
}
