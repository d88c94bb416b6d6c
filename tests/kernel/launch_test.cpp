#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include <doctest/doctest.h>

#include <localis/kernel/elementwise.hpp>
#include <localis/kernel/launch.hpp>

namespace kernel = localis::kernel;

namespace {

constexpr std::size_t rows = 5;
constexpr std::size_t columns = 7;

struct count {
  int* calls;
  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    for (std::size_t i = begin; i < end; ++i) ++calls[row * columns + i];
  }
};
struct count_packs {
  using scalar = float;
  int* calls;
  [[nodiscard]] constexpr bool packs(std::size_t) const { return true; }
  template <std::size_t N>
  constexpr void packed(std::uint32_t row, std::uint32_t begin) const {
    for (std::size_t i = begin; i < begin + N; ++i) ++calls[row * columns + i];
  }
};
static_assert(kernel::takes_packs<count_packs> && !kernel::takes_packs<count>);
struct count_rows {
  int* calls;
  constexpr void operator()(std::size_t row) const { ++calls[row]; }
};

}  // namespace

TEST_CASE("kernel::cut_rows: each element once, whatever the stretch") {
  for (const std::size_t stretch : {1U, 3U, 7U, 10U}) {
    CAPTURE(stretch);
    std::vector<int> calls(rows * columns, 0);
    const std::size_t pieces = (columns + stretch - 1) / stretch;
    const kernel::cut_rows<count> f{{calls.data()}, columns, stretch, pieces};
    for (std::size_t i = 0; i < rows * pieces; ++i) f(i);
    CHECK(calls == std::vector<int>(rows * columns, 1));
  }
  std::vector<int> calls(rows, 0);
  for (std::size_t i = 0; i < rows; ++i) kernel::cut_rows<count_rows>{{calls.data()}, columns, columns, 1}(i);
  CHECK(calls == std::vector<int>(rows, 1));
}

TEST_CASE("kernel::cut_elements: one element a call, from a row on") {
  std::vector<int> calls(rows * columns, 0);
  for (std::size_t i = 0; i < 2 * columns; ++i)
    kernel::cut_elements<count>{{calls.data()}, 3, kernel::divider(columns)}(i);
  std::vector<int> expected(rows * columns, 0);
  for (std::size_t i = 3 * columns; i < rows * columns; ++i) expected[i] = 1;
  CHECK(calls == expected);
}

TEST_CASE("kernel::cut_packs: the elements of one pack a call, from a row on") {
  constexpr std::size_t size = 7;  // a row is one pack, or seven
  std::vector<int> expected(rows * columns, 0);
  for (std::size_t i = 3 * columns; i < rows * columns; ++i) expected[i] = 1;
  std::vector<int> wide(rows * columns, 0);
  for (std::size_t i = 0; i < 2; ++i) kernel::cut_packs<count_packs, size>{{wide.data()}, 3, kernel::divider(1)}(i);
  CHECK(wide == expected);
  std::vector<int> narrow(rows * columns, 0);
  for (std::size_t i = 0; i < 2 * columns; ++i) {
    kernel::cut_packs<count_packs, 1>{{narrow.data()}, 3, kernel::divider(columns)}(i);
  }
  CHECK(narrow == expected);
}

TEST_CASE("kernel: chunks of rows add up to the sums over all rows, set and added") {
  constexpr std::size_t many = 101;  // neither a multiple of the chunks nor of the rows that are added in T
  std::vector<float> x(many * columns);
  std::vector<float> expected(columns, 0.0F);
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<float>(i % 13);  // small integers: any order of the sum is exact
    expected[i % columns] += x[i];
  }
  using column_sums = kernel::column_sums<float>;
  for (const std::size_t chunks : {1U, 3U, 101U}) {
    CAPTURE(chunks);
    std::vector<float> parts(chunks * columns, -1.0F);
    std::vector<double> totals(chunks * columns, -1.0);
    const kernel::sum_chunk<float, column_sums> f{{x.data(), columns}, many,         chunks, columns, 1,
                                                  parts.data(),        totals.data()};
    for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
      f(chunk, 0, 4);
      f(chunk, 4, columns);
    }
    std::vector<float> sums(columns, 1.0F);
    const auto add_up = [&](kernel::store mode) {
      kernel::add_chunks<float, column_sums>{f.kernel, totals.data(), chunks, columns, 1, sums.data(), mode}(0, 0,
                                                                                                             columns);
    };
    add_up(kernel::store::replace);
    CHECK(sums == expected);
    add_up(kernel::store::add);
    for (std::size_t i = 0; i < columns; ++i) CHECK(sums[i] == 2 * expected[i]);
  }
}
