#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <localis/core/random.hpp>
#include <localis/kernel/elementwise.hpp>
#include <localis/kernel/normalization.hpp>
#include <localis/math/activation.hpp>

namespace lo = localis;
namespace kernel = localis::kernel;
using lo::tanh_function;
using values = std::vector<float>;

namespace {

constexpr std::size_t rows = 3;
constexpr std::size_t columns = 8;

values normal(std::uint64_t stream) {
  const lo::random_stream random(3, stream);
  values x(rows * columns);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(random.normal(i));
  return x;
}

/// Checks that a kernel stores the same in one stretch of a row, in packs of four values, and value by value.
/// `make(target)` returns the kernel.
template <class Make>
void check_packs(const Make& make) {
  values expected(rows * columns);
  values in_packs(rows * columns);
  values one_by_one(rows * columns);
  REQUIRE(make(expected.data()).packs(4));
  CHECK(!make(expected.data()).packs(3));
  for (std::uint32_t row = 0; row < rows; ++row) {
    make(expected.data())(row, 0, columns);
    for (std::uint32_t c = 0; c < columns; c += 4) make(in_packs.data()).template packed<4>(row, c);
    for (std::uint32_t c = 0; c < columns; ++c) make(one_by_one.data()).template packed<1>(row, c);
  }
  CHECK(in_packs == expected);
  CHECK(one_by_one == expected);
}

}  // namespace

TEST_CASE("kernel: what a GPU computes in packs is what a row is") {
  const values a = normal(0);
  const values b = normal(1);
  const tanh_function f;
  check_packs([&](float* y) { return kernel::add<float, tanh_function>{a.data(), b.data(), y, columns, f}; });
  check_packs([&](float* y) { return kernel::activate<float, tanh_function>{a.data(), y, columns, f}; });
  check_packs([&](float* y) {
    return kernel::activate_gradient<float, tanh_function>{a.data(), b.data(), y, columns, f};
  });
  const values c = normal(2);  // of which each row serves as one value per channel
  check_packs([&](float* y) {
    return kernel::scale_shift<float, tanh_function>{a.data(), y, c.data(), c.data() + columns, columns, f};
  });
  const values sums = normal(3);
  check_packs([&](float* y) {
    const kernel::normalized<float, lo::relu_function> norm{
        a.data(), b.data(), c.data(), c.data() + columns, c.data() + 2 * columns, sums.data() + 2 * columns, columns};
    return kernel::normalization_gradient<float, lo::relu_function>{norm, y, sums.data(), 0.25F};
  });
}
