#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <localis/kernel/junction.hpp>

namespace lo = localis;
namespace kernel = lo::kernel;
using values = std::vector<double>;

namespace {

/// Runs a kernel by stretches of its rows, and by packs of two, each time from the same target.
template <class Kernel>
void check(const Kernel& f, std::size_t rows, std::size_t columns, values& target, const values& expected) {
  const values initial = target;
  for (std::size_t row = 0; row < rows; ++row) {
    f(row, columns / 2, columns);  // any stretch, in any order
    f(row, 0, columns / 2);
  }
  CHECK(target == expected);
  target = initial;
  REQUIRE(f.packs(2));
  for (std::uint32_t row = 0; row < rows; ++row) {
    for (std::uint32_t begin = 0; begin < columns; begin += 2) f.template packed<2>(row, begin);
  }
  CHECK(target == expected);
}

const values eight{1, 2, 3, 4, 5, 6, 7, 8};  // 2 x 4 or 4 x 2

}  // namespace

TEST_CASE("kernel: columns into wider rows and out of them") {
  values wide(12, -1);  // 2 x 6
  check(kernel::insert_columns<double>{eight.data(), 4, wide.data(), 6, 2}, 2, 4, wide,
        {-1, -1, 1, 2, 3, 4, -1, -1, 5, 6, 7, 8});
  values narrow(4, 100);  // 2 x 2
  check(kernel::extract_columns<double>{wide.data(), 6, 4, narrow.data(), 2, kernel::store::replace}, 2, 2, narrow,
        {3, 4, 7, 8});
  check(kernel::extract_columns<double>{wide.data(), 6, 2, narrow.data(), 2, kernel::store::add}, 2, 2, narrow,
        {4, 6, 12, 14});
  // A pack lies where the processor can load it in one piece.
  CHECK_FALSE(kernel::insert_columns<double>{eight.data(), 3, wide.data(), 6, 2}.packs(2));
  CHECK_FALSE(kernel::insert_columns<double>{eight.data(), 4, wide.data(), 5, 0}.packs(2));
  CHECK_FALSE(kernel::extract_columns<double>{wide.data(), 6, 1, narrow.data(), 2, kernel::store::add}.packs(2));
}

TEST_CASE("kernel: products, in place, and where rows share their factors") {
  values product = eight;
  check(kernel::multiply<double>{product.data(), eight.data(), product.data(), 4}, 2, 4, product,
        {1, 4, 9, 16, 25, 36, 49, 64});
  const values factors{10, -1, 100, 2};  // 2 x 2, each row for two rows of the other
  product.assign(8, 0);
  check(kernel::multiply<double>{eight.data(), factors.data(), product.data(), 2, kernel::divider(2)}, 4, 2, product,
        {10, -2, 30, -4, 500, 12, 700, 16});
}

TEST_CASE("kernel: sums of products over rows") {
  const values other{1, 10, 1, 10, 1, -1, 2, -1};
  values sums(4, 100);
  check(kernel::sum_products<double>{eight.data(), other.data(), sums.data(), 2, 2}, 2, 2, sums, {4, 60, 19, -14});
}
